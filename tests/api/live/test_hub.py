"""The hub: whoever is slow hurts only itself, and is told what it missed."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from api.live import hub as hub_module
from api.live.hub import Hub
from api.live.told import Told
from api.live.wire import (
    CameraMessage,
    FaceMessage,
    FrameMessage,
    GapMessage,
    LiveMessage,
    MomentMessage,
    Position,
    PresenceMessage,
    RevisionMessage,
    SnapshotMessage,
    StreamMessage,
)
from api.settings.sections import LiveSettings
from ingest.source import State
from pipeline.messages import CameraId, PersonId, Status

GATE, YARD, DOOR = CameraId("gate"), CameraId("yard"), CameraId("door")
ANN, BOB = PersonId("id of Ann"), PersonId("id of Bob")


def seen(camera: CameraId, seq: int, *people: PersonId) -> FrameMessage:
    return FrameMessage(
        camera=camera,
        seq=seq,
        captured_at=seq / 10,
        rtp_timestamp=None,
        media_time=0,
        width=64,
        height=48,
        faces=tuple(map(known, people)),
    )


def known(person: PersonId) -> FaceMessage:
    return FaceMessage(
        track=1,
        box=(1, 2, 3, 4),
        detection_score=0.9,
        status=Status.KNOWN,
        person=person,
        name=f"name of {person}",
        similarity=0.95,
    )


def state(camera: CameraId, now: State) -> CameraMessage:
    return CameraMessage(camera=camera, state=now, reason="", since=1.0)


def numbered(message: LiveMessage, cursor: int) -> LiveMessage:
    return message.model_copy(update={"cursor": cursor})


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def hub(registry: CollectorRegistry, clock: Clock) -> Hub:
    return Hub(registry, LiveSettings(kept=10, max_age=2), clock)


async def read(messages: AsyncGenerator[Told, None]) -> StreamMessage:
    async with asyncio.timeout(5):
        return (await anext(messages)).message


@asynccontextmanager
async def listening(
    hub: Hub, *cameras: CameraId
) -> AsyncIterator[tuple[AsyncGenerator[Told, None], Position]]:
    """Messages of these cameras (none: all) after the snapshot, and where that was."""
    async with aclosing(hub.subscribe(set(cameras) or None)) as messages:
        snapshot = await read(messages)
        assert isinstance(snapshot, SnapshotMessage)
        yield messages, Position(epoch=snapshot.epoch, cursor=snapshot.cursor)


async def test_a_listener_hears_only_of_its_cameras(hub: Hub) -> None:
    async with listening(hub, GATE) as (messages, _):
        hub.publish(seen(YARD, 1))
        hub.publish(seen(GATE, 2))
        assert await read(messages) == numbered(seen(GATE, 2), 2)


async def test_a_snapshot_of_now_comes_first(hub: Hub, clock: Clock) -> None:
    hub.publish(state(GATE, State.CONNECTING))
    hub.publish(seen(YARD, 1))
    clock.now += 1.5
    hub.publish(state(GATE, State.LIVE))
    hub.publish(state(YARD, State.WAITING))
    hub.publish(seen(GATE, 1))
    hub.publish(seen(GATE, 2))
    clock.now += 1
    async with aclosing(hub.subscribe(None)) as messages:
        assert await read(messages) == SnapshotMessage(
            epoch=hub.epoch,
            cursor=6,
            max_age=2,
            cameras=(
                numbered(state(GATE, State.LIVE), 3),
                numbered(state(YARD, State.WAITING), 4),
            ),
            frames=(numbered(seen(GATE, 2), 6),),  # the yard's is too old to be shown
        )
    async with aclosing(hub.subscribe({YARD})) as messages:
        assert await read(messages) == SnapshotMessage(
            epoch=hub.epoch,
            cursor=6,
            max_age=2,
            cameras=(numbered(state(YARD, State.WAITING), 4),),
            frames=(),
        )


async def test_who_asks_for_them_begins_with_all_results_that_may_still_be_shown(
    hub: Hub, clock: Clock
) -> None:
    for seq in range(4):
        hub.publish(seen(GATE, seq))
        hub.publish(seen(YARD, seq))
        hub.publish(seen(DOOR, seq))
        clock.now += 0.7
    hub.forget(DOOR)
    async with aclosing(hub.subscribe({GATE, DOOR}, recent=True)) as messages:
        snapshot = await read(messages)
        assert isinstance(snapshot, SnapshotMessage)
        assert snapshot.frames == tuple(numbered(seen(GATE, seq), 3 * seq + 1) for seq in (2, 3))
        clock.now += 3
        hub.publish(seen(GATE, 4))
        clock.now += 3
        assert isinstance(await read(messages), GapMessage)
        later = await read(messages)
        assert isinstance(later, SnapshotMessage)
        assert later.frames == (), "a reader that is late is not given more to read"


async def test_nothing_of_a_camera_that_was_deleted_is_in_a_snapshot(hub: Hub) -> None:
    hub.publish(state(GATE, State.LIVE))
    hub.publish(seen(GATE, 1))
    hub.forget(GATE)
    assert hub.state(GATE) is None
    async with aclosing(hub.subscribe(None)) as messages:
        snapshot = await read(messages)
    assert isinstance(snapshot, SnapshotMessage)
    assert (snapshot.cameras, snapshot.frames) == ((), ())


async def test_a_late_listener_is_told_what_it_missed_and_delays_nobody(
    hub: Hub, registry: CollectorRegistry, clock: Clock
) -> None:
    hub.publish(state(GATE, State.CONNECTING))
    async with listening(hub) as (slow, _), listening(hub) as (quick, _):
        for seq in range(30):
            hub.publish(seen(GATE, seq))
            clock.now += 0.1
            assert await read(quick) == numbered(seen(GATE, seq), seq + 2)
        hub.publish(state(GATE, State.LIVE))
        assert await read(slow) == GapMessage(reason="slow", after=1, to=32, missed=31)
        snapshot = await read(slow)
        assert isinstance(snapshot, SnapshotMessage)
        assert snapshot.cursor == 32
        assert snapshot.cameras == (numbered(state(GATE, State.LIVE), 32),)
        assert snapshot.frames == (numbered(seen(GATE, 29), 31),)
        hub.publish(seen(GATE, 30))
        assert await read(slow) == numbered(seen(GATE, 30), 33)
    assert registry.get_sample_value("faceapi_listener_drops_total") == 31
    assert registry.get_sample_value("faceapi_listeners") == 0


async def test_whoever_comes_back_gets_what_it_missed(hub: Hub, clock: Clock) -> None:
    async with listening(hub, GATE) as (_, position):
        pass
    for seq in range(3):
        hub.publish(seen(GATE, seq))
        hub.publish(seen(YARD, seq))
    clock.now += 9  # old for a live result, and still kept
    async with aclosing(hub.subscribe({GATE}, position)) as messages:
        assert [await read(messages) for _ in range(3)] == [
            numbered(seen(GATE, seq), 2 * seq + 1) for seq in range(3)
        ]
        hub.publish(seen(GATE, 3))
        assert await read(messages) == numbered(seen(GATE, 3), 7)


async def test_whoever_comes_back_too_late_is_told_and_gets_a_snapshot(
    hub: Hub, clock: Clock
) -> None:
    async with listening(hub, GATE) as (_, position):
        pass
    hub.publish(state(YARD, State.LIVE))
    hub.publish(seen(GATE, 1))
    clock.now += 11
    async with aclosing(hub.subscribe({GATE}, position)) as messages:
        gap = GapMessage(reason="expired", after=0, to=2, missed=None)
        assert await read(messages) == gap
        assert isinstance(await read(messages), SnapshotMessage)
    async with aclosing(hub.subscribe(None, position)) as messages:
        assert await read(messages) == gap.model_copy(update={"missed": 2})
    hub.publish(seen(GATE, 2))
    async with aclosing(hub.subscribe({YARD}, Position(epoch=hub.epoch, cursor=1))) as messages:
        hub.publish(seen(YARD, 3))  # of the yard nothing was lost: so nothing is said
        assert await read(messages) == numbered(seen(YARD, 3), 4)


@pytest.mark.parametrize("position", [("another", 0), (None, 99)])
async def test_a_position_of_another_stream_is_a_reset(
    hub: Hub, position: tuple[str | None, int]
) -> None:
    hub.publish(state(GATE, State.LIVE))
    epoch, cursor = position
    after = Position(epoch=epoch or hub.epoch, cursor=cursor)
    async with aclosing(hub.subscribe(None, after)) as messages:
        assert await read(messages) == GapMessage(reason="reset", after=0, to=1, missed=None)
        snapshot = await read(messages)
    assert isinstance(snapshot, SnapshotMessage)
    assert (snapshot.epoch, snapshot.cursor) == (hub.epoch, 1)


async def test_each_start_has_an_epoch_of_its_own(hub: Hub) -> None:
    assert Hub(CollectorRegistry(), LiveSettings()).epoch != hub.epoch


async def test_all_listeners_are_woken_however_many_they_are(hub: Hub) -> None:
    count = 3 * hub_module._AT_ONCE + 1
    streams = [hub.subscribe({GATE}) for _ in range(count)]
    for stream in streams:
        await read(stream)
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0)
    hub.publish(seen(GATE, 1))
    hub.publish(seen(GATE, 2))
    async with asyncio.timeout(5):
        told = await asyncio.gather(*waiting)
        later = [await anext(stream) for stream in streams]
    assert {id(one) for one in told} == {id(told[0])}  # the same one: encoded once
    assert [one.message for one in later] == [numbered(seen(GATE, 2), 2)] * count
    for stream in streams:
        await stream.aclose()


async def test_nobody_is_named_any_more_of_whom_something_was_deleted(hub: Hub) -> None:
    async with listening(hub) as (messages, position):
        hub.publish(seen(GATE, 1, ANN, BOB))
        hub.publish(seen(YARD, 1, BOB))
        hub.hide({ANN})
        for stream in (messages, hub.subscribe(None, position)):
            told = [await read(stream) for _ in range(6)]
            frames = [one for one in told if isinstance(one, FrameMessage)]
            assert [names(frame) for frame in frames] == [
                [None, f"name of {BOB}"],
                [f"name of {BOB}"],
            ]
            presences = [one for one in told if isinstance(one, PresenceMessage)]
            assert [(one.presence, one.change, one.person, one.name) for one in presences] == [
                (1, "entered", None, None),
                (2, "entered", BOB, f"name of {BOB}"),
                (3, "entered", BOB, f"name of {BOB}"),
                (1, "left", None, None),
            ]
    async with aclosing(hub.subscribe({GATE})) as messages:
        snapshot = await read(messages)
    assert isinstance(snapshot, SnapshotMessage)
    (face, _) = snapshot.frames[0].faces
    assert (face.status, face.person, face.similarity) == (Status.UNKNOWN, None, 0.95)


def revision(was: PersonId, person: PersonId | None) -> RevisionMessage:
    return RevisionMessage(
        camera=GATE,
        track=1,
        was=was,
        status=Status.KNOWN if person else Status.UNKNOWN,
        person=person,
        name=person and f"name of {person}",
        since=MomentMessage(seq=1, media_time=0, captured_at=0.1),
        until=MomentMessage(seq=2, media_time=0, captured_at=0.2),
    )


async def test_a_revision_that_is_told_again_does_not_say_who_was_deleted(hub: Hub) -> None:
    async with listening(hub) as (_, position):
        hub.publish(revision(ANN, BOB))
        hub.publish(revision(BOB, ANN))
        hub.hide({ANN})
        again = hub.subscribe(None, position)
        first, second = await read(again), await read(again)
    assert isinstance(first, RevisionMessage)
    assert isinstance(second, RevisionMessage)
    assert (first.was, first.person) == (None, BOB)
    assert (second.was, second.status, second.person, second.name) == (
        BOB,
        Status.UNKNOWN,
        None,
        None,
    )


async def test_who_comes_and_goes_is_told_and_stands_in_the_snapshot(
    hub: Hub, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_LOOK", 0.001)
    async with listening(hub, GATE) as (messages, _):
        hub.publish(seen(GATE, 1, ANN))
        frame, entered = await read(messages), await read(messages)
        assert isinstance(frame, FrameMessage)
        assert isinstance(entered, PresenceMessage)
        assert (entered.cursor, entered.change, entered.person) == (2, "entered", ANN)
        async with aclosing(hub.subscribe(None)) as others:
            snapshot = await read(others)
        assert isinstance(snapshot, SnapshotMessage)
        assert [one.person for one in snapshot.present] == [ANN]
        clock.now += 6
        leaving = asyncio.create_task(hub.see_them_leave())
        left = await read(messages)
        leaving.cancel()
        assert isinstance(left, PresenceMessage)
        assert (left.presence, left.change) == (entered.presence, "left")
    async with aclosing(hub.subscribe(None)) as others:
        snapshot = await read(others)
    assert isinstance(snapshot, SnapshotMessage)
    assert snapshot.present == ()


def names(message: StreamMessage) -> list[str | None]:
    assert isinstance(message, FrameMessage)
    return [face.name for face in message.faces]


def test_both_encodings_say_the_same() -> None:
    told = Told(numbered(seen(GATE, 3, ANN), 7))
    assert msgspec.msgpack.decode(told.msgpack) == json.loads(told.json)
    assert json.loads(told.json)["cursor"] == 7
    assert told.json is told.json
