"""The same tests for every gallery: Milvus Lite in a file, the exact one, a Milvus server."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from pipeline.errors import BadInput, Misconfigured, Transient
from pipeline.gallery.exact import ExactGallery
from pipeline.gallery.milvus import (
    LiteStore,
    MilvusGallery,
    ServerStore,
    Store,
    collection_name,
)
from pipeline.messages import EnrolledFace, FaceId, GalleryId, PackId, PersonId, Vectors
from pipeline.stages import Enrolled, Gallery

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
    return ExactGallery() if request.param == "exact" else milvus


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
    exact, people = ExactGallery(), 40
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
