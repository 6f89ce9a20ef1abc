"""Templates of two packs side by side, the switch between them, and what is deleted meanwhile."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from api.store.database import Database
from api.store.faces import Faces, PackChanged
from api.store.messages import Conflict, NewFace, NotFound, Person, StoredFace
from api.store.migrate import advance, shipped_migrations
from api.store.packs import Packs, Stage, Tally, UsedPack
from api.store.people import People
from api.store.sealing import Keyring
from pipeline.messages import FaceId, GalleryId, PackId, Vector

OLD, NEW = UsedPack(PackId("old"), '{"pack": "old"}'), UsedPack(PackId("new"), '{"pack": "new"}')
START = FaceId("00000000-0000-0000-0000-000000000000")


def vector(seed: int) -> Vector:
    one = np.random.default_rng(seed).normal(size=8).astype(np.float32)
    return np.asarray(one / np.linalg.norm(one), np.float32)


class World:
    """A gallery in which people are named by the pack ``old``."""

    def __init__(self, truth: Database, gallery: GalleryId, keys: Keyring) -> None:
        self.truth = truth
        self.people, self.faces = People(truth, gallery), Faces(truth, gallery, keys)
        self.packs = Packs(truth, gallery, keys)

    async def enroll(
        self, name: str, *photographs: bytes, pack: UsedPack = OLD
    ) -> tuple[Person, Sequence[StoredFace]]:
        person, _ = await self.people.add(name)
        return person, [await self.add(person, one, pack) for one in photographs]

    async def add(self, person: Person, photograph: bytes, pack: UsedPack = OLD) -> StoredFace:
        new = NewFace(pack.id, vector(1), b"jpeg of " + photograph, 256, 256, photograph)
        return (await self.faces.add(person.id, new))[0]

    async def embed(self, *refused: FaceId) -> None:
        """Try the new pack on all that it was not tried on, of which it refuses some."""
        waiting = await self.packs.untried(NEW.id, START, 100)
        outcomes = [
            (one.face, "no face was found" if one.face in refused else vector(2)) for one in waiting
        ]
        assert await self.packs.tried(NEW.id, outcomes)

    async def templates(self) -> set[tuple[str, str]]:
        async with self.truth.connection() as connection:
            rows = await connection.fetch("select pack, face from templates")
        return {(row["pack"], str(row["face"])) for row in rows}


@pytest.fixture
async def world(truth: Database, gallery: GalleryId, keys: Keyring) -> World:
    made = World(truth, gallery, keys)
    await made.packs.settle(OLD)
    return made


async def test_a_gallery_without_a_template_takes_the_configured_pack(world: World) -> None:
    await world.people.add("Ann")
    assert await world.packs.settle(NEW) == NEW
    assert await world.packs.used() == NEW


async def test_a_gallery_with_templates_keeps_the_pack_that_made_them(world: World) -> None:
    await world.enroll("Ann", b"1")
    assert await world.packs.settle(NEW) == OLD


async def test_the_pack_of_an_older_gallery_is_that_of_most_of_its_templates(
    truth: Database, gallery: GalleryId, keys: Keyring
) -> None:
    older = World(truth, gallery, keys)
    await older.enroll("Ann", b"1", pack=NEW)
    await older.enroll("Bob", b"1", b"2")
    assert (await older.packs.settle(UsedPack(PackId("third"), "{}"))).id == OLD.id


async def test_every_face_is_tried_once_and_people_are_named_by_the_new_pack_then(
    world: World,
) -> None:
    ann, faces = await world.enroll("Ann", b"1", b"2")
    await world.packs.begin(NEW, leave_behind=False)
    assert await world.packs.tally(NEW.id) == Tally(2, 0, 0)
    first, *_ = await world.packs.untried(NEW.id, START, 1)
    assert first.jpeg in {b"jpeg of 1", b"jpeg of 2"}
    assert await world.packs.tried(NEW.id, [(first.face, vector(2))])
    assert not await world.packs.switch()  # one is left
    await world.embed()
    assert await world.packs.tally(NEW.id) == Tally(2, 2, 0)
    assert await world.packs.switch()
    assert await world.packs.used() == NEW
    (back, _) = await world.faces.templates([one.id for one in faces], NEW.id)
    assert np.array_equal(back.vector, vector(2))
    assert len(await world.templates()) == 4
    await world.packs.clear()
    assert {pack for pack, _ in await world.templates()} == {NEW.id}
    ended = await world.packs.reembedding()
    assert ended is not None
    assert (ended.stage, ended.ended_at is None) == (Stage.DONE, False)
    (stored, _) = await world.faces.of(ann.id)
    assert stored.packs == (NEW.id,)


async def test_what_is_set_aside_is_embedded_too_and_stays_aside(world: World) -> None:
    ann, (face,) = await world.enroll("Ann", b"1")
    await world.faces.set_aside(ann.id, face.id, aside=True)
    await world.packs.begin(NEW, leave_behind=False)
    await world.embed()
    assert await world.packs.switch()
    assert await world.faces.ids(NEW.id) == set()
    await world.faces.set_aside(ann.id, face.id, aside=False)
    assert await world.faces.ids(NEW.id) == {face.id}


async def test_a_face_that_is_deleted_meanwhile_is_gone_by_both_packs(world: World) -> None:
    ann, (face,) = await world.enroll("Ann", b"1")
    bob, (other,) = await world.enroll("Bob", b"2")
    await world.packs.begin(NEW, leave_behind=False)
    waiting = await world.packs.untried(NEW.id, START, 10)
    await world.faces.remove(ann.id, face.id)
    # What was being computed of it is not kept, neither as a template nor as a refusal.
    assert await world.packs.tried(NEW.id, [(one.face, vector(2)) for one in waiting])
    assert await world.packs.tried(NEW.id, [(face.id, "too late")])
    assert await world.templates() == {(OLD.id, other.id), (NEW.id, other.id)}
    await world.people.remove(bob.id)
    assert await world.templates() == set()
    assert await world.packs.refusals(NEW.id) == []


async def test_a_deletion_waits_for_nobody_and_nothing_of_it_comes_back(world: World) -> None:
    ann, faces = await world.enroll("Ann", *(b"%d" % number for number in range(40)))
    await world.packs.begin(NEW, leave_behind=False)

    async def embed() -> None:
        for face in faces:
            await world.packs.tried(NEW.id, [(face.id, vector(2))])

    async def delete() -> None:
        for face in reversed(faces):
            await world.faces.remove(ann.id, face.id)

    await asyncio.gather(embed(), delete())
    assert await world.templates() == set()


async def test_a_face_that_is_enrolled_meanwhile_is_waited_for(world: World) -> None:
    ann, _ = await world.enroll("Ann", b"1")
    await world.packs.begin(NEW, leave_behind=False)
    await world.embed()
    late = await world.add(ann, b"2")
    assert not await world.packs.switch()
    await world.embed()
    assert await world.packs.switch()
    assert late.id in await world.faces.ids(NEW.id)


async def test_a_template_of_the_pack_before_is_refused_after_the_switch(world: World) -> None:
    ann, (face,) = await world.enroll("Ann", b"1")
    await world.packs.begin(NEW, leave_behind=False)
    await world.embed()
    assert await world.packs.switch()
    with pytest.raises(PackChanged, match="old to new"):
        await world.add(ann, b"2")
    assert [one.id for one in await world.faces.of(ann.id)] == [face.id]
    assert (await world.add(ann, b"2", NEW)).packs == (NEW.id,)


async def test_nobody_is_lost_unless_that_is_allowed(world: World) -> None:
    ann, (only,) = await world.enroll("Ann", b"1")
    _, (bad, _) = await world.enroll("Bob", b"1", b"2")
    await world.packs.begin(NEW, leave_behind=False)
    await world.embed(only.id, bad.id)
    assert await world.packs.tally(NEW.id) == Tally(3, 1, 2)
    found = [(one.name, one.face, one.lost) for one in await world.packs.refusals(NEW.id)]
    assert found == [("Ann", only.id, True), ("Bob", bad.id, False)]
    assert not await world.packs.switch()
    assert (await world.packs.leave_behind(allowed=True)).leave_behind
    assert await world.packs.switch()
    await world.packs.clear()
    assert len(await world.packs.refusals(NEW.id)) == 2
    # The same photograph, of which enrollment sees more than was stored, may do after all.
    again = await world.add(ann, b"1", NEW)
    assert (again.id, again.packs) == (only.id, (NEW.id,))
    assert [one.name for one in await world.packs.refusals(NEW.id)] == ["Bob"]


async def test_a_change_that_is_given_up_leaves_nothing(world: World) -> None:
    _, (face,) = await world.enroll("Ann", b"1")
    await world.packs.begin(NEW, leave_behind=False)
    await world.embed()
    await world.packs.cancel()
    assert await world.templates() == {(OLD.id, face.id)}
    assert await world.packs.reembedding() is None
    assert not await world.packs.tried(NEW.id, [(face.id, vector(2))])
    assert not await world.packs.switch()
    assert await world.templates() == {(OLD.id, face.id)}


async def test_one_change_at_a_time(world: World) -> None:
    await world.enroll("Ann", b"1")
    with pytest.raises(NotFound):
        await world.packs.cancel()
    with pytest.raises(Conflict, match="already"):
        await world.packs.begin(OLD, leave_behind=False)
    both = [world.packs.begin(to, leave_behind=False) for to in (NEW, UsedPack(PackId("3"), ""))]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sum(isinstance(one, Conflict) for one in outcomes) == 1
    await world.packs.cancel()
    await world.packs.begin(NEW, leave_behind=False)
    await world.embed()
    assert await world.packs.switch()
    with pytest.raises(Conflict, match="already"):
        await world.packs.cancel()
    await world.packs.clear()
    await world.packs.begin(OLD, leave_behind=False)  # and back


async def test_templates_of_an_older_database_are_taken_over(
    database_at_version_3: Database, keys: Keyring
) -> None:
    truth, face = database_at_version_3, FaceId("00000000-0000-0000-0000-0000000000fa")
    async with truth.transaction() as connection:
        gallery = await connection.fetchval("select id from galleries")
        person = await connection.fetchval(
            "insert into people (id, gallery, name) values (gen_random_uuid(), $1, 'Ann')"
            " returning id",
            gallery,
        )
        sealed = keys.seal(vector(1).astype("<f4").tobytes(), f"faces/{face}/template")
        await connection.execute(
            "insert into faces (id, person, pack, template, crop, width, height, photograph)"
            " values ($1, $2, 'old', $3, 'crop', 1, 1, 'digest')",
            face,
            person,
            sealed,
        )
        await advance(connection, shipped_migrations())
    faces = Faces(truth, GalleryId(str(gallery)), keys)
    (back,) = await faces.templates([face], OLD.id)
    assert np.array_equal(back.vector, vector(1))
