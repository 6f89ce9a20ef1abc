"""The same tests for every gallery: Milvus Lite in a file, the exact one, a Milvus server."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from pipeline.errors import BadInput, Misconfigured, Transient
from pipeline.gallery.exact import ExactGallery
from pipeline.gallery.milvus import (
    Broken,
    LiteStore,
    MilvusGallery,
    Position,
    ServerStore,
    Store,
    collection_name,
)
from pipeline.messages import EnrolledFace, FaceId, GalleryId, PackId, PersonId, Vectors
from pipeline.stages import Enrolled, Gallery
from tests.tcp import Wire

DIMENSION = 32
SHOP = GalleryId("shop")
PACK = PackId("pack-1")


class Whole(Gallery, Enrolled, Protocol):
    """A gallery that can be searched and changed."""


def unit(seed: int, count: int = 1) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def enrolled(face: str, person: str, seed: int) -> EnrolledFace:
    return EnrolledFace(FaceId(face), PersonId(person), unit(seed)[0])


@pytest.fixture(
    params=["lite", pytest.param("server", marks=pytest.mark.milvus_server)], scope="module"
)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    if request.param == "lite":
        return LiteStore(tmp_path_factory.mktemp("milvus") / "gallery.db")
    return server("default")


def server(database: str) -> ServerStore:
    port = int(os.environ.get("MILVUS_DB_PORT", "19530"))
    return ServerStore(os.environ["MILVUS_DB_HOST"], port, "root", database)


@pytest.fixture
async def milvus(store: Store) -> AsyncIterator[MilvusGallery]:
    gallery = await MilvusGallery.open(store, SHOP, PACK, DIMENSION)
    yield gallery
    await gallery.drop()
    await gallery.close()


@pytest.fixture(params=["exact", "milvus"])
def gallery(request: pytest.FixtureRequest, milvus: MilvusGallery) -> Whole:
    return ExactGallery(DIMENSION) if request.param == "exact" else milvus


async def test_an_empty_gallery_knows_nobody(gallery: Whole) -> None:
    assert [list(found) for found in await gallery.search(unit(1, 2))] == [[], []]
    assert list(await gallery.search(np.zeros((0, DIMENSION), np.float32))) == []


async def test_what_was_added_is_found_at_once_each_person_once_nearest_first(
    gallery: Whole,
) -> None:
    faces = [enrolled("a1", "Ann", 1), enrolled("a2", "Ann", 2), enrolled("b1", "Bob", 3)]
    await gallery.add(faces)
    ((first, second),) = await gallery.search(unit(2))
    assert (first.person, second.person) == ("Ann", "Bob")
    assert first.similarity == pytest.approx(1, abs=1e-5)
    assert second.similarity == pytest.approx(float(unit(2)[0] @ unit(3)[0]), abs=1e-5)


async def test_a_face_enrolled_again_is_replaced(gallery: Whole) -> None:
    await gallery.add([enrolled("a1", "Ann", 1)])
    await gallery.add([enrolled("a1", "Bob", 5)])
    (found,) = await gallery.search(unit(5))
    assert [match.person for match in found] == ["Bob"]


async def test_what_was_removed_is_never_found_again(gallery: Whole) -> None:
    await gallery.add([enrolled("a1", "Ann", 1), enrolled("b1", "Bob", 2)])
    await gallery.remove([FaceId("a1"), FaceId("nobody")])
    (found,) = await gallery.search(unit(1))
    assert [match.person for match in found] == ["Bob"]


async def test_milvus_agrees_with_the_exact_gallery(milvus: MilvusGallery) -> None:
    exact, people = ExactGallery(DIMENSION), 40
    vectors = unit(11, 400)
    faces = [
        EnrolledFace(FaceId(f"f{row}"), PersonId(f"p{row % people}"), vector)
        for row, vector in enumerate(vectors)
    ]
    await exact.add(faces)
    await milvus.add(faces)
    probes = unit(12, 20)
    for want, got in zip(await exact.search(probes), await milvus.search(probes), strict=True):
        best = [match.person for match in want[:5]]
        assert [match.person for match in got[:5]] == best
        nearest = [match.similarity for match in want[:5]]
        assert [match.similarity for match in got[:5]] == pytest.approx(nearest, abs=1e-5)


async def test_names_of_any_script_and_length_are_kept(milvus: MilvusGallery) -> None:
    name = '王小明 O\'Brien "x" ' + "é" * 200
    await milvus.add([enrolled(f"{name}/1.jpg", name, 1)])
    ((match,),) = await milvus.search(unit(1))
    assert match.person == name


@pytest.mark.parametrize(
    "vector", [np.full(DIMENSION, np.nan, np.float32), np.zeros(DIMENSION + 1, np.float32)]
)
async def test_a_vector_that_is_none_is_refused(milvus: MilvusGallery, vector: Vectors) -> None:
    with pytest.raises(BadInput, match="a1"):
        await milvus.add([EnrolledFace(FaceId("a1"), PersonId("Ann"), vector)])
    assert [list(found) for found in await milvus.search(unit(1))] == [[]]


async def test_galleries_and_packs_never_mix(store: Store, milvus: MilvusGallery) -> None:
    await milvus.add([enrolled("a1", "Ann", 1)])
    for gallery, pack in ((GalleryId("other"), PACK), (SHOP, PackId("pack-2"))):
        other = await MilvusGallery.open(store, gallery, pack, DIMENSION)
        assert [list(found) for found in await other.search(unit(1))] == [[]]
        await other.drop()
        await other.close()
    assert len({collection_name(SHOP, PACK), collection_name(GalleryId("shop_"), PACK)}) == 2


async def test_a_collection_of_another_dimension_is_refused(
    store: Store,
    milvus: MilvusGallery,  # noqa: ARG001 - it makes the collection
) -> None:
    with pytest.raises(Misconfigured, match=f"vectors of {DIMENSION} numbers"):
        await MilvusGallery.open(store, SHOP, PACK, DIMENSION * 2)


async def test_a_gallery_in_a_file_is_there_after_it_was_closed(tmp_path: Path) -> None:
    store = LiteStore(tmp_path / "kept.db")
    first = await MilvusGallery.open(store, SHOP, PACK, DIMENSION)
    await first.add([enrolled("a1", "Ann", 1)])
    await first.close()
    again = await MilvusGallery.open(store, SHOP, PACK, DIMENSION)
    (found,) = await again.search(unit(1))
    assert [match.person for match in found] == ["Ann"]
    await again.close()


@pytest.mark.milvus_server
async def test_a_database_is_made_if_it_is_not_there_and_keeps_its_own_galleries() -> None:
    for database in ("faceapi", "default"):
        gallery = await MilvusGallery.open(server(database), SHOP, PACK, DIMENSION)
        assert [list(found) for found in await gallery.search(unit(1))] == [[]]
        await gallery.add([enrolled("a1", "Ann", 1)])
        ((match,),) = await gallery.search(unit(1))
        assert match.person == "Ann"
        await gallery.close()
    for database in ("faceapi", "default"):
        gallery = await MilvusGallery.open(server(database), SHOP, PACK, DIMENSION)
        await gallery.drop()
        await gallery.close()


async def test_a_server_that_is_away_is_named_without_its_password() -> None:
    away = ServerStore("127.0.0.1", 1, "root", "default", password="hunter2")
    with pytest.raises(Transient, match=r"Milvus at 127\.0\.0\.1:1") as error:
        await MilvusGallery.open(away, SHOP, PACK, DIMENSION)
    assert "hunter2" not in f"{error.value!r} {away!r} {away}"


# What a service needs of it


async def test_somebody_with_many_photographs_hides_nobody(gallery: Whole) -> None:
    """Also not with more of them than are asked for at first."""
    crowd = unit(1)[0] + 0.01 * unit(2, 300)
    many = [
        EnrolledFace(
            FaceId(f"a{n}"), PersonId("Ann"), np.asarray(v / np.linalg.norm(v), np.float32)
        )
        for n, v in enumerate(crowd)
    ]
    await gallery.add([*many, enrolled("b1", "Bob", 3)])
    ((first, second),) = await gallery.search(unit(1))
    assert (first.person, second.person) == ("Ann", "Bob")


@pytest.mark.parametrize(
    "face",
    ["it's", 'a "b"', "back\\slash", "ü 漢字 x", "a/b.jpg", "{x}", "\\", "two\nlines\r", "\t%\x01"],
)
async def test_ids_of_any_characters_can_be_removed(milvus: MilvusGallery, face: str) -> None:
    await milvus.add([enrolled(face, "Ann", 1), enrolled("other", "Bob", 2)])
    assert await milvus.faces() == {face, "other"}
    await milvus.remove([FaceId(face)])
    assert await milvus.faces() == {"other"}
    ((hit,),) = await milvus.search_faces(unit(1))
    assert (hit.face, hit.person) == ("other", "Bob")


async def test_all_faces_are_listed_however_many_and_all_of_one_person_hide_nobody(
    milvus: MilvusGallery,
) -> None:
    """More than Milvus gives at once, 16384, and the last id of a page has a quotation mark."""
    ids = [f'{n:05}"' for n in range(17_000)]
    faces = [
        EnrolledFace(FaceId(one), PersonId("Ann"), vector)
        for one, vector in zip(ids, unit(1, len(ids)), strict=True)
    ]
    far = EnrolledFace(FaceId("far"), PersonId("Bob"), -unit(1)[0])
    await milvus.add([*faces, far])
    assert await milvus.faces() == {*ids, "far"}
    ((first, second),) = await milvus.search(unit(1))
    assert (first.person, second.person) == ("Ann", "Bob")
    assert second.similarity == pytest.approx(-1, abs=1e-5)
    (hits,) = await milvus.search_faces(unit(1))
    similarities = [hit.similarity for hit in hits]
    assert similarities == sorted(similarities, reverse=True)
    assert len({hit.face for hit in hits}) == len(hits)


@pytest.mark.parametrize("face", ["", "x" * 513, "漢" * 171])
async def test_an_id_that_cannot_be_kept_is_refused(milvus: MilvusGallery, face: str) -> None:
    for refused in (enrolled(face, "Ann", 1), enrolled("a1", face, 1)):
        with pytest.raises(BadInput, match="512 bytes"):
            await milvus.add([refused])
    assert await milvus.faces() == set()


@pytest.mark.parametrize(
    "probe", [np.full((1, DIMENSION), np.nan, np.float32), unit(1)[:, :-1]], ids=["nan", "short"]
)
async def test_a_probe_that_is_no_vector_is_refused(milvus: MilvusGallery, probe: Vectors) -> None:
    await milvus.add([enrolled("a1", "Ann", 1)])
    with pytest.raises(BadInput, match="a probe"):
        await milvus.search(probe)


@pytest.mark.parametrize("name", ["gallery", "no/folder/gallery.db", "a-file/gallery.db"])
async def test_a_place_where_no_file_can_be_is_a_setting_to_change(
    tmp_path: Path, name: str
) -> None:
    """It is not broken: to set it aside would help nothing."""
    (tmp_path / "a-file").touch()
    with pytest.raises(Misconfigured) as error:
        await MilvusGallery.open(LiteStore(tmp_path / name), SHOP, PACK, DIMENSION)
    assert not isinstance(error.value, Broken)


async def test_a_position_is_kept_with_the_templates_and_goes_with_them(
    store: Store, milvus: MilvusGallery
) -> None:
    assert await milvus.position() is None
    await milvus.mark(Position("log", 7))
    await milvus.mark(Position("log", 2**40))
    other = await MilvusGallery.open(store, GalleryId("other"), PACK, DIMENSION)
    try:
        assert await milvus.position() == Position("log", 2**40)
        assert await other.position() is None
    finally:
        await other.drop()
        await other.close()
    await milvus.add([enrolled("a1", "Ann", 1)])
    await milvus.clear()
    assert await milvus.position() is None
    assert await milvus.faces() == set()


async def test_nothing_is_left_behind_by_what_cannot_be_opened() -> None:
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(Transient, match=r"127\.0\.0\.1:9"):
            await MilvusGallery.open(ServerStore("127.0.0.1", 9, "root", "default"), SHOP, PACK, 4)
    assert threading.active_count() <= before + 1  # a thread of gRPC's own may stay


async def test_a_closed_gallery_may_be_closed_again(store: Store) -> None:
    one = await MilvusGallery.open(store, SHOP, PACK, DIMENSION)
    await one.drop()
    await one.close()
    await one.close()


DAMAGES = {"index": "*.idx", "rows": "*.parquet", "schema": "schema.json", "all": "*"}


@pytest.mark.parametrize("pattern", DAMAGES.values(), ids=DAMAGES)
async def test_a_damaged_file_is_said_to_be_broken_and_can_be_made_anew(
    tmp_path: Path, pattern: str
) -> None:
    path = tmp_path / "gallery.db"
    await in_another_process(path, "pass")
    damaged = [one for one in path.rglob(pattern) if one.is_file()]
    assert damaged
    for one in damaged:
        one.write_bytes(one.read_bytes()[: one.stat().st_size // 2])
    with pytest.raises(Broken, match=r"gallery\.db"):
        await MilvusGallery.open(LiteStore(path), SHOP, PACK, DIMENSION)
    path.rename(tmp_path / "aside")
    anew = await MilvusGallery.open(LiteStore(path), SHOP, PACK, DIMENSION)
    assert await anew.faces() == set()
    await anew.close()


async def test_a_file_that_is_none_of_milvus_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    path.write_text("something else")
    with pytest.raises(Broken):
        await MilvusGallery.open(LiteStore(path), SHOP, PACK, DIMENSION)


async def test_a_file_in_use_by_another_process_is_said_to_be(tmp_path: Path) -> None:
    said = await in_another_process(
        tmp_path / "gallery.db",
        """
        again = [sys.executable, *sys.argv]
        second = subprocess.run(again, capture_output=True, text=True)
        print(second.stdout, second.stderr)
        """,
    )
    assert "Misconfigured: Milvus Lite in" in said
    assert "used by another process" in said
    assert "Traceback" not in said


_PROGRAM = """
import asyncio, subprocess, sys
from pathlib import Path
import numpy as np
from pipeline.errors import Misconfigured
from pipeline.gallery.milvus import LiteStore, MilvusGallery
from pipeline.messages import EnrolledFace

async def main():
    store = LiteStore(Path(sys.argv[1]))
    try:
        gallery = await MilvusGallery.open(store, "shop", "pack-1", 32)
    except Misconfigured as error:
        print("Misconfigured:", error)
        return
    vectors = np.eye(32, dtype=np.float32)
    await gallery.add([EnrolledFace(str(n), "Ann", vectors[n % 32]) for n in range(64)])
    BODY
    await gallery.close()

asyncio.run(main())
"""


async def in_another_process(path: Path, body: str) -> str:
    """Open a file in a process of its own, add 64 faces (they are flushed), do ``body``."""
    script = path.with_name("program.py")
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ").strip()
    script.write_text(_PROGRAM.replace("BODY", lines))
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(script), str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # nothing is printed by the libraries
    return done.stdout


# A server that goes away and comes back


@pytest.mark.milvus_server
async def test_a_server_that_is_away_or_frozen_is_transient_and_is_found_again() -> None:
    direct = server("default")
    wire = Wire(direct.host, direct.port)
    port = await wire.start()
    away = await MilvusGallery.open(
        ServerStore("127.0.0.1", port, "root", "default"), SHOP, PACK, DIMENSION
    )
    await away.add([enrolled("a1", "Ann", 1)])
    wire.flows.clear()
    changing = asyncio.create_task(away.add([enrolled("a1", "Ann", 1)]))
    began = time.monotonic()
    with pytest.raises(Transient):
        await away.search(unit(1))
    assert time.monotonic() - began < 8  # bounded at all: not the 75 attempts of the client
    assert not changing.done()  # no search waits for a change
    wire.flows.set()
    await asyncio.wait([changing])
    assert changing.exception() is None
    assert await found(away) == ["Ann"]
    await wire.cut()
    with pytest.raises(Transient):
        await away.search(unit(1))
    await wire.start(port)
    assert await found(away) == ["Ann"]
    await away.drop()
    await away.close()
    await wire.cut()


async def found(gallery: MilvusGallery) -> list[str]:
    """Who is found as soon as the server answers again."""
    async with asyncio.timeout(30):
        while True:
            try:
                return [match.person for match in (await gallery.search(unit(1)))[0]]
            except Transient:
                await asyncio.sleep(0.1)
