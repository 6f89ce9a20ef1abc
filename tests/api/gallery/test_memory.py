"""The gallery in memory follows the log. Real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import numpy as np
import pytest

from api.gallery.memory import Extent, MemoryIndex
from api.gallery.notifier import ChangeNotifier
from api.store.changes import Changes
from api.store.database import Database
from api.store.faces import Faces
from api.store.messages import NewFace, Person, StoredFace
from api.store.people import People
from api.store.sealing import Keyring
from pipeline.counterexamples import other_than
from pipeline.errors import Transient
from pipeline.messages import GalleryId, Match, PackId, PersonId, Vector, Vectors
from tests.fakes import ScriptedGallery

PACK = PackId("pack-1")
DIMENSION = 16
MOST = 10
ELSEWHERE = Match(PersonId("found elsewhere"), 0.5)


def vector(seed: int) -> Vector:
    one = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return np.asarray(one / np.linalg.norm(one), np.float32)


def probe(seed: int) -> Vectors:
    return vector(seed)[None]


class World:
    """One follower, and the tables as another process has them."""

    def __init__(self, truth: Database, gallery: GalleryId, keys: Keyring) -> None:
        self.people, self.changes = People(truth, gallery), Changes(truth, gallery)
        self.faces, self.truth = Faces(truth, gallery, keys), truth
        self.notifier = ChangeNotifier()
        self.removed: list[PersonId] = []
        extent = Extent(PACK, DIMENSION, MOST)
        self.added = 0
        self.index = MemoryIndex(
            self.changes,
            self.faces,
            extent,
            ScriptedGallery([ELSEWHERE]),
            self.removed.append,
            self.hear_of_added,
        )

    def hear_of_added(self) -> None:
        self.added += 1

    async def enroll(self, name: str, *seeds: int) -> tuple[Person, Sequence[StoredFace]]:
        person, _ = await self.people.add(name)
        return person, [await self.photograph(person, seed) for seed in seeds]

    async def photograph(self, person: Person, seed: int) -> StoredFace:
        new = NewFace(PACK, vector(seed), b"jpeg", 1, 1, b"%d" % seed)
        face, _ = await self.faces.add(person.id, new)
        return face

    async def caught_up(self) -> None:
        async with asyncio.timeout(20):
            await self.index.reached((await self.changes.head()).number)

    async def found(self, seed: int) -> Sequence[str]:
        (matches,) = await self.index.search(probe(seed))
        return [match.person for match in matches]


@pytest.fixture
async def world(truth: Database, gallery: GalleryId, keys: Keyring) -> AsyncIterator[World]:
    """Not followed yet."""
    made = World(truth, gallery, keys)
    yield made
    for task in [one for one in asyncio.all_tasks() if one.get_name() == "follower"]:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def follow(world: World) -> None:
    for work in (world.index.follow(world.notifier), world.notifier.listen(world.truth)):
        asyncio.create_task(work, name="follower")  # noqa: RUF006 - the fixture ends it


async def test_before_it_is_loaded_it_says_so(world: World) -> None:
    with pytest.raises(Transient, match="not been loaded"):
        await world.index.search(probe(1))


async def test_what_was_there_and_what_comes_is_found(world: World) -> None:
    ann, _ = await world.enroll("Ann", 1, 2)
    follow(world)
    await world.caught_up()
    bob, _ = await world.enroll("Bob", 3)
    await world.caught_up()
    assert await world.found(1) == [ann.id, bob.id]
    assert await world.found(3) == [bob.id, ann.id]
    assert (world.removed, world.added) == ([], 1)


async def test_a_counterexample_is_somebody_else_and_told_like_a_face(world: World) -> None:
    ann, _ = await world.enroll("Ann", 1)
    follow(world)
    await world.caught_up()
    new = NewFace(PACK, vector(2), b"jpeg", 1, 1, b"2", counter=True)
    face, _ = await world.faces.add(ann.id, new)
    await world.caught_up()
    assert await world.found(2) == [other_than(ann.id), ann.id]
    assert (world.removed, world.added) == ([], 1)
    await world.faces.remove(ann.id, face.id)
    await world.caught_up()
    assert await world.found(2) == [ann.id]
    assert world.removed == [ann.id]


async def test_once_a_deletion_is_reached_it_is_gone_and_told(world: World) -> None:
    ann, (first, _) = await world.enroll("Ann", 1, 2)
    bob, _ = await world.enroll("Bob", 3)
    follow(world)
    await world.caught_up()
    (change,) = await world.faces.remove(ann.id, first.id)
    async with asyncio.timeout(20):
        await world.index.reached(change.number)
    ((near, _),) = await world.index.search(probe(1))
    assert near.similarity < 0.99
    assert world.removed == [ann.id]
    gone = await world.people.remove(ann.id)
    async with asyncio.timeout(20):
        await world.index.reached(gone[-1].number)
    assert await world.found(1) == [bob.id]


async def test_what_is_set_aside_is_gone_like_what_is_deleted_and_comes_back(world: World) -> None:
    ann, (first, _) = await world.enroll("Ann", 1, 2)
    follow(world)
    await world.caught_up()
    await world.faces.set_aside(ann.id, first.id, aside=True)
    await world.caught_up()
    assert await similarity(world, 1) < 1 - 1e-3
    assert world.removed == [ann.id]
    await world.faces.set_aside(ann.id, first.id, aside=False)
    await world.caught_up()
    assert await similarity(world, 1) > 1 - 1e-3


async def similarity(world: World, seed: int) -> float:
    ((match,),) = await world.index.search(probe(seed))
    return match.similarity


async def test_two_deletions_and_an_enrollment_of_one_person_at_once(world: World) -> None:
    ann, (first, second) = await world.enroll("Ann", 1, 2)
    follow(world)
    await world.caught_up()
    await asyncio.gather(
        world.faces.remove(ann.id, first.id),
        world.faces.remove(ann.id, second.id),
        world.photograph(ann, 3),
    )
    await world.caught_up()
    ((match,),) = await world.index.search(probe(3))
    assert (match.person, round(match.similarity, 4)) == (ann.id, 1.0)


async def test_a_gallery_that_grows_too_large_is_asked_elsewhere_until_it_shrinks(
    world: World,
) -> None:
    ann, faces = await world.enroll("Ann", *range(MOST))
    follow(world)
    await world.caught_up()
    assert await world.found(1) == [ann.id]
    one_more = await world.photograph(ann, MOST)
    await world.caught_up()
    assert await world.found(1) == [ELSEWHERE.person]
    await world.faces.remove(ann.id, one_more.id)
    await world.caught_up()
    assert await world.found(1) == [ELSEWHERE.person]  # on the brink: it does not go to and fro
    await world.faces.remove(ann.id, faces[0].id)
    await world.caught_up()
    assert await world.found(1) == [ann.id]


async def test_what_is_deleted_while_it_is_asked_elsewhere_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, faces = await world.enroll("Ann", *range(MOST + 5))
    follow(world)
    await world.caught_up()
    asked = 0

    async def deleted_meanwhile(vectors: Vectors) -> Sequence[Sequence[Match]]:
        nonlocal asked
        asked += 1
        if asked == 1:
            await world.faces.remove(ann.id, faces[0].id)
            await world.caught_up()
        return [[ELSEWHERE] for _ in vectors]

    monkeypatch.setattr(world.index._beyond, "search", deleted_meanwhile)
    assert await world.found(1) == [ELSEWHERE.person]
    assert asked == 2


async def test_a_gallery_that_shrinks_at_once_tells_of_everyone_who_went(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one batch of deletions: it fits again after the first."""
    monkeypatch.setattr("api.gallery.memory._BATCH", 2)
    ann, _ = await world.enroll("Ann", *range(MOST + 5))
    bob, _ = await world.enroll("Bob", 99)
    await world.index._catch_up()
    await world.people.remove(ann.id)
    await world.people.remove(bob.id)
    await world.index._catch_up()
    assert set(world.removed) == {ann.id, bob.id}
    assert await world.found(1) == []


async def test_deletions_are_told_of_a_large_gallery_too(world: World) -> None:
    ann, faces = await world.enroll("Ann", *range(MOST + 5))
    follow(world)
    await world.caught_up()
    await world.faces.remove(ann.id, faces[0].id)
    await world.caught_up()
    assert world.removed == [ann.id]


async def test_another_log_is_read_anew(world: World) -> None:
    """As after a restore: the log has another id, or its numbers went back."""
    ann, _ = await world.enroll("Ann", 1)
    follow(world)
    await world.caught_up()
    async with world.truth.connection() as connection:
        await connection.execute("delete from faces")
        await connection.execute("update galleries set log_id = gen_random_uuid(), changes = 0")
    world.notifier.notify()
    async with asyncio.timeout(20):
        while await world.found(1):  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.01)
    assert ann.id


async def test_while_the_database_is_away_it_answers_as_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _ = await world.enroll("Ann", 1)
    follow(world)
    await world.caught_up()

    async def away(*_: object) -> None:
        raise Transient("nobody is there")

    monkeypatch.setattr(world.changes, "head", away)
    world.notifier.notify()
    await asyncio.sleep(0.05)
    assert await world.found(1) == [ann.id]


async def test_templates_of_another_pack_stay_out(world: World) -> None:
    person, _ = await world.people.add("Ann")
    await world.faces.add(person.id, NewFace(PackId("pack-2"), vector(1), b"jpeg", 1, 1, b"x"))
    follow(world)
    await world.caught_up()
    assert await world.found(1) == []
