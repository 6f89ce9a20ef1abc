"""The index follows the log; the truth has the last word. Real PostgreSQL, real Milvus Lite."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from api.gallery.directory import Directory
from api.gallery.index import Index, Place
from api.gallery.notifier import ChangeNotifier
from api.store.changes import Changes
from api.store.database import Database
from api.store.faces import Faces
from api.store.messages import NewFace, Person, StoredFace
from api.store.people import People
from api.store.sealing import Keyring
from pipeline.counterexamples import other_than
from pipeline.errors import Transient
from pipeline.gallery.milvus import LiteStore, MilvusGallery, Position
from pipeline.messages import (
    EnrolledFace,
    FaceId,
    GalleryId,
    PackId,
    PersonId,
    Status,
    Vector,
    Vectors,
)

PACK = PackId("pack-1")
DIMENSION = 16


def vector(seed: int) -> Vector:
    one = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return np.asarray(one / np.linalg.norm(one), np.float32)


def probe(seed: int) -> Vectors:
    return vector(seed)[None]


class World:
    """One process over one database, and the tables themselves as another process has them."""

    def __init__(self, truth: Database, gallery: GalleryId, keys: Keyring, place: Place) -> None:
        self.people, self.changes = People(truth, gallery), Changes(truth, gallery)
        self.faces = Faces(truth, gallery, keys)
        self.place, self.truth = place, truth
        self.index = Index(place, self.changes, self.faces)
        self.removed: list[PersonId] = []
        self.directory = Directory(self.people, self.changes, self.removed.append)
        self.notifier = ChangeNotifier()

    async def enroll(self, name: str, seed: int) -> tuple[Person, StoredFace]:
        """As another process does it: nobody here is told."""
        person, _ = await self.people.add(name)
        new = NewFace(PACK, vector(seed), b"jpeg", 1, 1, b"%d" % seed)
        face, _ = await self.faces.add(person.id, new)
        return person, face

    async def found(self, seed: int) -> Sequence[str]:
        (matches,) = await self.index.search(probe(seed))
        return [match.person for match in matches]


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.01)


@pytest.fixture
def place(gallery: GalleryId, tmp_path: Path) -> Place:
    return Place(LiteStore(tmp_path / "gallery.db"), gallery, PACK, DIMENSION)


@pytest.fixture
async def world(
    truth: Database, gallery: GalleryId, keys: Keyring, place: Place
) -> AsyncIterator[World]:
    """Followers run until the test ends."""
    made = World(truth, gallery, keys, place)
    number = await made.directory.load()
    tasks = [
        asyncio.create_task(made.index.follow(made.notifier)),
        asyncio.create_task(made.directory.follow(made.notifier, number)),
        asyncio.create_task(made.notifier.listen(truth)),
    ]
    await made.index.settled.wait()
    assert made.index.trouble == ""
    yield made
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await made.index.close()


async def caught_up(world: World) -> None:
    head = await world.changes.head()
    async with asyncio.timeout(20):
        while await world.index.position() < head.number:  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.01)


async def test_what_another_process_enrolls_is_found_soon(world: World) -> None:
    ann, _ = await world.enroll("Ann", 1)
    bob, _ = await world.enroll("Bob", 2)
    await caught_up(world)
    assert (await world.found(1))[0] == ann.id
    assert (await world.found(2))[0] == bob.id
    await until(lambda: world.directory.name(bob.id) == "Bob")
    assert world.directory.name(ann.id) == "Ann"


async def test_what_another_process_deleted_is_not_found_from_then_on(world: World) -> None:
    """However late the index is: it is not even told here."""
    ann, _ = await world.enroll("Ann", 1)
    bob, _ = await world.enroll("Bob", 2)
    await caught_up(world)
    async with world.changes.exclusive(str(world.place)):  # the index cannot follow now
        await world.people.remove(ann.id)
        assert await world.found(1) == [bob.id]
    await until(lambda: world.removed[:1] == [ann.id])
    assert world.directory.name(ann.id) is None


async def test_a_deletion_during_a_search_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, face = await world.enroll("Ann", 1)
    await caught_up(world)
    standing = world.faces.standing
    calls = []

    async def deleted_meanwhile(faces: set[FaceId]) -> set[FaceId]:
        answer = await standing(faces)
        calls.append(answer)
        if len(calls) == 1:
            world.directory.removed(await world.people.remove(ann.id))
            world.index.removed()
        return answer

    monkeypatch.setattr(world.faces, "standing", deleted_meanwhile)
    assert await world.found(1) == []
    assert calls == [{face.id}, set()]


async def test_a_renamed_person_is_called_so_everywhere(world: World) -> None:
    ann, _ = await world.people.add("Ann")
    await until(lambda: world.directory.name(ann.id) == "Ann")
    await world.people.rename(ann.id, "Anna")
    await until(lambda: world.directory.name(ann.id) == "Anna")
    assert world.removed == []


async def test_a_counterexample_is_followed_and_deleted_like_a_face(world: World) -> None:
    ann, _ = await world.enroll("Ann", 1)
    new = NewFace(PACK, vector(2), b"jpeg", 1, 1, b"2", counter=True)
    face, _ = await world.faces.add(ann.id, new)
    await caught_up(world)
    assert set(await world.found(2)) == {other_than(ann.id), ann.id}
    assert (await world.found(2))[0] == other_than(ann.id)
    await world.faces.remove(ann.id, face.id)
    await caught_up(world)
    assert await world.found(2) == [ann.id]


async def test_somebody_who_is_ignored_is_told_as_such_and_what_was_told_is_hidden(
    world: World,
) -> None:
    ann, _ = await world.people.add("Ann")
    await until(lambda: world.directory.told_as(ann.id) == "Ann")
    await world.people.ignore(ann.id, ignored=True)
    await until(lambda: world.directory.told_as(ann.id) is Status.IGNORED)
    assert world.removed == [ann.id]
    assert world.directory.name(ann.id) == "Ann"
    await world.people.rename(ann.id, "Anna")
    await until(lambda: world.directory.name(ann.id) == "Anna")
    assert world.removed == [ann.id]
    again = Directory(world.people, world.changes, world.removed.append)
    await again.load()
    assert again.told_as(ann.id) is Status.IGNORED
    await world.people.ignore(ann.id, ignored=False)
    await until(lambda: world.directory.told_as(ann.id) == "Anna")
    await world.people.remove(ann.id)
    await until(lambda: world.directory.told_as(ann.id) is None)


async def test_an_index_of_another_log_or_ahead_of_it_begins_anew(world: World) -> None:
    """A restored backup is behind the index; a new database has another log."""
    ann, _ = await world.enroll("Ann", 1)
    await caught_up(world)
    gallery = world.index._gallery
    assert gallery is not None
    head = await world.changes.head()
    for wrong in (Position("another log", 1), Position(head.log, head.number + 5)):
        await gallery.clear()
        await gallery.mark(wrong)
        assert await world.index.compare() == await world.index.compare()
        assert await world.found(1) == [ann.id]
        assert await gallery.position() == Position(head.log, head.number)


async def test_the_index_of_an_empty_log_is_begun_once(world: World) -> None:
    """Emptying takes a server seconds, in which nobody is found."""
    gallery = world.index._gallery
    assert gallery is not None
    stray = EnrolledFace(FaceId("stray"), PersonId("nobody"), vector(1))
    await gallery.add([stray])
    assert (await world.index.compare()).surplus == [stray.face]


async def test_what_differs_is_told_and_mended(world: World) -> None:
    _, lost = await world.enroll("Ann", 1)
    await caught_up(world)
    gallery = world.index._gallery
    assert gallery is not None
    (template,) = await world.faces.templates([lost.id], PACK)
    stray = type(template)(FaceId("stray"), template.person, template.vector)
    await gallery.remove([lost.id])
    await gallery.add([stray])
    comparison = await world.index.compare()
    assert (comparison.missing, comparison.surplus) == ([lost.id], ["stray"])
    assert (await world.index.rebuild()).faces == 1
    comparison = await world.index.compare()
    assert (comparison.missing, comparison.surplus) == ([], [])


async def test_templates_of_another_pack_stay_out(world: World) -> None:
    person, _ = await world.people.add("Ann")
    other = NewFace(PackId("pack-2"), vector(1), b"jpeg", 1, 1, b"x")
    await world.faces.add(person.id, other)
    await caught_up(world)
    assert await world.found(1) == []
    assert (await world.index.compare()).missing == []


async def test_an_index_that_is_away_is_said_at_once_until_it_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _ = await world.enroll("Ann", 1)
    await caught_up(world)
    asked = 0

    async def away(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise Transient("nobody is there")

    with monkeypatch.context() as patched:
        patched.setattr(MilvusGallery, "search_faces", away)
        patched.setattr(MilvusGallery, "position", away)
        for _ in range(3):
            with pytest.raises(Transient, match="nobody is there"):
                await world.index.search(probe(1))
        assert asked <= 2
    world.notifier.notify()
    await until(lambda: world.index.trouble == "")
    assert await world.found(1) == [ann.id]


async def test_many_changes_are_followed_in_batches(world: World) -> None:
    person, _ = await world.people.add("Ann")
    for number in range(40):
        face, _ = await world.faces.add(
            person.id, NewFace(PACK, vector(number), b"jpeg", 1, 1, b"%d" % number)
        )
        if number % 2:
            await world.faces.remove(person.id, face.id)
    await caught_up(world)
    comparison = await world.index.compare()
    assert (comparison.missing, comparison.surplus) == ([], [])
    gallery = world.index._gallery
    assert gallery is not None
    assert len(await gallery.faces()) == 20
