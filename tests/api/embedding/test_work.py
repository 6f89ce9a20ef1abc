"""Stored photographs are embedded whatever happens, each once. Real PostgreSQL, a scripted pack."""

import asyncio

import numpy as np
import pytest

from api.embedding.work import Embedding
from api.gallery.notifier import ChangeNotifier
from api.gallery.reembedding import Reembedder
from api.store.database import Database
from api.store.faces import Faces
from api.store.messages import NewFace, StoredFace
from api.store.packs import Packs, Stage, Tally, UsedPack
from api.store.people import People
from api.store.sealing import Keyring
from pipeline.errors import BadInput, Transient
from pipeline.messages import GalleryId, PackId, Vector
from pipeline.settings import ModelSettings

OLD, NEW = UsedPack(PackId("old"), ""), UsedPack(PackId("new"), "")


class Scripted:
    """Makes templates of all photographs but those it is told to refuse, and counts them."""

    def __init__(self, *refused: bytes) -> None:
        self.refused = set(refused)
        self.asked: list[bytes] = []

    async def again(self, crop: bytes) -> Vector:
        self.asked.append(crop)
        if crop in self.refused or not crop:
            raise BadInput("no face was found in the stored photograph")
        return np.array([1, 0], np.float32)


class World:
    """Thirty people with a photograph each, of whom the new pack can be asked."""

    def __init__(self, truth: Database, gallery: GalleryId, keys: Keyring) -> None:
        self.truth = truth
        self.people, self.faces = People(truth, gallery), Faces(truth, gallery, keys)
        self.packs = Packs(truth, gallery, keys)
        self.stored: list[StoredFace] = []

    async def fill(self, count: int) -> None:
        await self.packs.settle(OLD)
        for number in range(count):
            person, _ = await self.people.add(f"{number:03}")
            photograph = b"%d" % number
            new = NewFace(OLD.id, np.array([0, 1], np.float32), photograph, 1, 1, photograph)
            self.stored.append((await self.faces.add(person.id, new))[0])

    def embedding(self, enroller: Scripted) -> Embedding:
        return Embedding(self.packs, NEW.id, enroller)  # type: ignore[arg-type]  # as much as it asks

    def reembedder(self) -> Reembedder:
        settings = ModelSettings()
        return Reembedder(self.packs, settings, settings.path, ChangeNotifier())  # type: ignore[arg-type]  # opens nothing


@pytest.fixture
async def world(truth: Database, gallery: GalleryId, keys: Keyring) -> World:
    made = World(truth, gallery, keys)
    await made.fill(30)
    return made


async def test_what_broke_off_goes_on_where_it_was(world: World) -> None:
    await world.packs.begin(NEW, leave_behind=False)
    first, second = Scripted(), Scripted()
    working = asyncio.create_task(world.embedding(first).once())
    while not (await world.packs.tally(NEW.id)).embedded:  # noqa: ASYNC110 - it is another's word
        await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    done = (await world.packs.tally(NEW.id)).embedded
    await world.embedding(second).once()
    assert await world.packs.tally(NEW.id) == Tally(30, 30, 0)
    assert len(second.asked) == 30 - done
    assert len(set(first.asked) | set(second.asked)) == 30


async def test_a_photograph_that_the_pack_refuses_is_listed_and_holds_the_change(
    world: World,
) -> None:
    await world.packs.begin(NEW, leave_behind=False)
    await world.embedding(Scripted(b"7")).once()
    status = await world.reembedder().status()
    (refusal,) = status.refusals
    assert (refusal.name, refusal.face, refusal.lost) == ("007", world.stored[7].id, True)
    assert refusal.reason == "no face was found in the stored photograph"
    assert "1 people have no photograph that new can use" in status.waits_for
    assert not await world.packs.may_switch()
    allowed = await world.reembedder().leave_behind(allowed=True)
    assert (allowed.waits_for, allowed.change.stage) == ("", Stage.EMBEDDING)
    assert await world.packs.may_switch()


async def test_an_envelope_that_was_tampered_with_is_refused_and_stops_nothing(
    world: World,
) -> None:
    async with world.truth.connection() as connection:
        await connection.execute(
            "update faces set crop = 'no envelope' where id = $1", world.stored[3].id
        )
    await world.packs.begin(NEW, leave_behind=False)
    await world.embedding(Scripted()).once()
    assert await world.packs.tally(NEW.id) == Tally(30, 29, 1)


async def test_a_change_that_is_given_up_stops_the_work(world: World) -> None:
    enroller = Scripted()
    await world.embedding(enroller).once()  # nobody asked for it
    assert len(enroller.asked) <= 8
    assert (await world.packs.tally(NEW.id)).embedded == 0


async def test_a_database_that_is_away_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.packs.begin(NEW, leave_behind=False)
    embedding = world.embedding(Scripted())
    tried, away = world.packs.untried, asyncio.Event()

    async def fail(*_: object) -> list[object]:
        away.set()
        raise Transient("the database is away")

    monkeypatch.setattr(world.packs, "untried", fail)
    running = asyncio.create_task(embedding.run())
    await asyncio.wait_for(away.wait(), 20)
    await asyncio.sleep(0)
    assert embedding.trouble == "the database is away"
    monkeypatch.setattr(world.packs, "untried", tried)
    async with asyncio.timeout(20):
        while (await world.packs.tally(NEW.id)).left:  # noqa: ASYNC110 - it is another's word
            await asyncio.sleep(0.05)
    running.cancel()
