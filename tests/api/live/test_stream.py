"""Whatever is told, dropped, forgotten and resumed, in any order: what a reader hears adds up."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from api.live.hub import Hub
from api.live.told import Told
from api.live.wire import (
    CameraMessage,
    FrameMessage,
    GapMessage,
    LiveMessage,
    Position,
    SnapshotMessage,
)
from api.settings.sections import LiveSettings
from ingest.source import State
from pipeline.messages import CameraId

CAMERAS = ("gate", "yard", "hall")
KEPT, KEPT_FOR, MAX_AGE = 6, 10.0, 2.0


@dataclass
class World:
    """A hub, and all that it was told."""

    now: float = 0.0
    log: list[LiveMessage] = field(default_factory=list)
    """Of this epoch; the first has the cursor 1."""
    times: list[float] = field(default_factory=list)
    hub: Hub = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        limits = LiveSettings(kept=KEPT_FOR, max_age=MAX_AGE)
        self.hub = Hub(CollectorRegistry(), limits, lambda: self.now)
        self.log.clear()
        self.times.clear()

    def publish(self, message: LiveMessage) -> None:
        self.hub.publish(message)
        self.log.append(message.model_copy(update={"cursor": len(self.log) + 1}))
        self.times.append(self.now)

    def wanted(self, cameras: set[CameraId] | None, after: int, to: int) -> list[LiveMessage]:
        """What there was for a reader in a part of the stream."""
        return [one for one in self.log[after:to] if cameras is None or one.camera in cameras]

    def snapshot(self, cameras: set[CameraId] | None) -> SnapshotMessage:
        states: dict[str, CameraMessage] = {}
        frames: dict[str, tuple[FrameMessage, float]] = {}
        for message, at in zip(self.log, self.times, strict=True):
            if cameras is not None and message.camera not in cameras:
                continue
            if isinstance(message, FrameMessage):
                frames[message.camera] = message, at
            elif isinstance(message, CameraMessage):
                states[message.camera] = message
        young = [frame for frame, at in frames.values() if self.now - at <= MAX_AGE]
        return SnapshotMessage(
            epoch=self.hub.epoch,
            cursor=len(self.log),
            max_age=MAX_AGE,
            cameras=(*states.values(),),
            frames=(*young,),
        )


class Reader:
    """Reads one message at a time, goes and comes back, and checks all that it hears."""

    def __init__(self, world: World, cameras: set[CameraId] | None) -> None:
        self.world = world
        self.cameras = cameras
        self.position: Position | None = None
        self.snapshot: SnapshotMessage | None = None
        """That must come next."""
        self.messages: AsyncGenerator[Told, None] | None = None
        self.next: asyncio.Task[None] | None = None

    async def leave(self) -> None:
        if self.next is not None:
            self.next.cancel()
            await asyncio.wait([self.next])
            assert self.next.cancelled() or self.next.exception() is None
        if self.messages is not None:
            await self.messages.aclose()
        self.messages = self.next = self.snapshot = None

    async def read(self) -> bool:
        """Read a message if there is one; whether there was."""
        if self.messages is None:
            self.messages = self.world.hub.subscribe(self.cameras, self.position)
        if self.next is None:
            self.next = asyncio.create_task(self.read_next(self.messages))
        for _ in range(4):
            await asyncio.sleep(0)
        if not self.next.done():
            return False
        self.next.result()
        self.next = None
        return True

    async def read_next(self, messages: AsyncGenerator[Told, None]) -> None:
        """It is heard at the moment at which it is made: the world goes on meanwhile."""
        self.hear((await anext(messages)).message)

    def hear(self, message: object) -> None:
        match message:
            case FrameMessage() | CameraMessage():
                self.hear_live(message)
            case GapMessage():
                self.hear_gap(message)
            case SnapshotMessage():
                assert message == (self.snapshot or self.world.snapshot(self.cameras))
                assert self.position is None or self.snapshot is not None
                self.snapshot = None
                self.position = Position(epoch=message.epoch, cursor=message.cursor)
            case _:
                raise AssertionError(message)

    def hear_live(self, message: LiveMessage) -> None:
        assert self.snapshot is None
        assert self.position is not None
        assert self.position.epoch == self.world.hub.epoch
        assert message.cursor is not None
        between = self.world.wanted(self.cameras, self.position.cursor, message.cursor)
        assert between == [message], "nothing is left out without a word, nothing comes twice"
        self.position = Position(epoch=self.position.epoch, cursor=message.cursor)

    def hear_gap(self, gap: GapMessage) -> None:
        assert self.position is not None
        assert gap.to == len(self.world.log)
        if gap.reason == "reset":
            assert self.position.epoch != self.world.hub.epoch
            assert (gap.after, gap.missed) == (0, None)
        else:
            assert gap.after == self.position.cursor
            missed = self.world.wanted(self.cameras, gap.after, gap.to)
            assert missed, "there is no gap where nothing was missed"
            assert gap.missed == len(missed) or (gap.reason == "expired" and self.cameras)
        # It is taken at the same moment, however late it is read.
        self.snapshot = self.world.snapshot(self.cameras)
        self.position = Position(epoch=self.world.hub.epoch, cursor=gap.to)


def frame(camera: str, seq: int) -> FrameMessage:
    return FrameMessage(
        camera=camera,
        seq=seq,
        captured_at=0,
        rtp_timestamp=None,
        media_time=0,
        width=1,
        height=1,
        faces=(),
    )


def state(camera: str, since: int) -> CameraMessage:
    return CameraMessage(camera=camera, state=State.LIVE, reason="", since=since)


Act = Callable[[World, Sequence[Reader]], Awaitable[None]]


def told(make: Callable[[str, int], LiveMessage], camera: str, count: int) -> Act:
    async def act(world: World, _: Sequence[Reader]) -> None:
        for number in range(count):
            world.publish(make(camera, number))

    return act


def reading(which: int, count: int) -> Act:
    async def act(_: World, readers: Sequence[Reader]) -> None:
        for _turn in range(count):
            await readers[which].read()

    return act


def leaving(which: int) -> Act:
    async def act(_: World, readers: Sequence[Reader]) -> None:
        await readers[which].leave()

    return act


def waiting(seconds: float) -> Act:
    async def act(world: World, _: Sequence[Reader]) -> None:
        world.now += seconds

    return act


async def restarting(world: World, readers: Sequence[Reader]) -> None:
    for reader in readers:
        await reader.leave()
    world.restart()


def acts() -> st.SearchStrategy[Act]:
    reader, camera, some = st.integers(0, 2), st.sampled_from(CAMERAS), st.integers(1, KEPT + 2)
    tell = st.builds(told, st.sampled_from([frame, frame, state]), camera, some)
    wait = st.builds(waiting, st.sampled_from([0.5, 1.0, 3.0, 11.0]))
    read, leave = st.builds(reading, reader, some), st.builds(leaving, reader)
    return st.one_of(tell, tell, read, read, leave, leave, wait, wait, st.just(restarting))


@settings(max_examples=400, deadline=None)
@given(st.lists(acts(), min_size=20, max_size=80))
def test_what_a_reader_hears_adds_up(steps: Sequence[Act]) -> None:
    with patch("api.live.hub._KEPT", KEPT):
        asyncio.run(play(steps))


async def play(steps: Sequence[Act]) -> None:
    world = World()
    every, one = set(map(CameraId, CAMERAS)), {CameraId("gate")}
    readers = [Reader(world, cameras) for cameras in (None, one, every)]
    for act in steps:
        await act(world, readers)
    for reader in readers:
        while await reader.read():
            pass
        assert reader.position is not None
        assert reader.position.epoch == world.hub.epoch
        assert not world.wanted(reader.cameras, reader.position.cursor, len(world.log))
        await reader.leave()
