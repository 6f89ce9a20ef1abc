"""Somebody publishes to a camera of ours, from another peer in this process."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from ingest.rtsp import Limits
from ingest.source import State, StateChange
from ingest.supervisor import supervised
from ingest.tee import Tee
from ingest.webrtc.ice import Ice
from ingest.webrtc.publisher import PublishedCamera
from ingest.webrtc.session import Occupied, Publication
from pipeline.errors import BadInput, Transient
from pipeline.mailbox import Mailbox
from pipeline.messages import CameraId, Capture
from tests.ingest.webrtc.client import Film, Publisher, grey

LOCAL = Ice(loopback=True)
BRIEF = Limits(connect=1.0, silence=0.5, picture=5.0)


def camera(limits: Limits = BRIEF) -> PublishedCamera:
    return PublishedCamera(CameraId("yard"), limits)


@asynccontextmanager
async def publishing(gate: PublishedCamera, publisher: Publisher) -> AsyncIterator[Publication]:
    publication = await gate.publish(await publisher.offer(), LOCAL)
    await publisher.take(publication.answer)
    try:
        yield publication
    finally:
        await publisher.close()
        await gate.close()


async def take(gate: PublishedCamera, count: int) -> Sequence[Capture]:
    taken = []
    async with asyncio.timeout(20), aclosing(gate.frames()) as captures:
        async for capture in captures:
            taken.append(capture)
            if len(taken) == count:
                break
    return taken


async def lost(gate: PublishedCamera) -> str:
    """Why the pictures ended."""
    with pytest.raises(Transient) as error:
        await all_of(gate.frames())
    return str(error.value)


async def all_of(captures: AsyncGenerator[Capture, None]) -> int:
    """How many there were."""
    async with asyncio.timeout(20):
        return len([capture.seq async for capture in captures])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - of what is waited for nothing tells
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("codec", ["video/VP8", "video/H264"])
async def test_what_is_published_are_the_cameras_pictures(codec: str) -> None:
    gate, publisher = camera(), Publisher(Film(lambda _: grey(90)), codec)
    async with publishing(gate, publisher):
        captures = await take(gate, 10)
    assert {capture.camera for capture in captures} == {"yard"}
    image = captures[-1].paint()
    assert image.shape == (240, 320, 3)
    assert abs(float(np.mean(image)) - 90) < 6
    numbers = [capture.seq for capture in captures]
    assert numbers == sorted(set(numbers))
    times = [capture.media_time for capture in captures]
    assert times == sorted(set(times))
    ticks = np.diff(times) / np.diff(numbers)
    assert set(ticks.tolist()) == {3600}
    assert abs(times[0] / 90_000 - captures[0].captured_at) < 1


async def test_nobody_publishes() -> None:
    assert await lost(camera()) == "nobody publishes"


async def test_only_one_publishes_at_a_time_and_then_the_next_one() -> None:
    gate, first, second, third = camera(), Publisher(), Publisher(), Publisher()
    async with publishing(gate, first):
        with pytest.raises(Occupied):
            await gate.publish(await second.offer(), LOCAL)
        await second.close()
        assert len(await take(gate, 2)) == 2
    async with publishing(gate, third):
        assert len(await take(gate, 2)) == 2


async def test_a_publisher_that_closes_is_gone_at_once() -> None:
    gate, publisher = camera(Limits(silence=20, picture=20)), Publisher()
    async with publishing(gate, publisher), aclosing(gate.frames()) as captures:
        await anext(captures)
        await publisher.close()
        with pytest.raises(Transient, match="the publisher has gone"):
            await all_of(captures)
    assert await lost(gate) == "nobody publishes"


async def test_a_publisher_that_is_silent_is_let_go() -> None:
    gate, publisher = camera(), Publisher()
    async with publishing(gate, publisher), aclosing(gate.frames()) as captures:
        await anext(captures)
        publisher.film.flows.clear()
        with pytest.raises(Transient, match=r"no picture from the publisher for 0\.5 s"):
            await all_of(captures)


async def test_who_is_answered_and_never_connects_is_let_go() -> None:
    gate = camera(Limits(picture=0.5))
    absent, publisher = Publisher(), Publisher()
    await gate.publish(await absent.offer(), LOCAL)
    await absent.close()
    assert await lost(gate) == "no picture from the publisher for 0.5 s"
    async with publishing(gate, publisher):
        assert len(await take(gate, 1)) == 1


async def test_a_session_is_ended_by_its_name_alone() -> None:
    gate, publisher = camera(), Publisher()
    async with publishing(gate, publisher) as publication:
        async with aclosing(gate.frames()) as captures:
            await anext(captures)
            assert not await gate.unpublish("another")
            assert await gate.unpublish(publication.session)
            with pytest.raises(Transient, match="the publisher ended it"):
                await all_of(captures)
        assert not await gate.unpublish(publication.session)


async def test_after_an_offer_that_cannot_be_used_the_next_one_can() -> None:
    gate, publisher = camera(), Publisher()
    with pytest.raises(BadInput):
        await gate.publish("nothing", LOCAL)
    async with publishing(gate, publisher):
        assert len(await take(gate, 1)) == 1


async def test_the_pictures_size_may_change_while_it_publishes() -> None:
    sizes = [(320, 240), (640, 360)]
    gate = camera()
    publisher = Publisher(Film(lambda number: grey(60, *sizes[number // 15 % 2])))
    seen = set()
    async with publishing(gate, publisher), asyncio.timeout(20), aclosing(gate.frames()) as taken:
        async for capture in taken:
            height, width, _ = capture.paint().shape
            seen.add((width, height))
            if seen == set(sizes):
                break
    assert seen == set(sizes)


class Erratic(MediaStreamTrack):
    """Pictures whose timestamps leap, as aiortc tells it of a sender that begins to count anew."""

    kind = "video"
    PTS = (0, 3600, 7200, 2**32, 2**32 + 3600, 5, 3605, None, 7205, 90_000_000, 90_003_600)

    def __init__(self) -> None:
        super().__init__()
        self._left = list(self.PTS)

    async def recv(self) -> VideoFrame:
        if not self._left:
            raise MediaStreamError
        frame = VideoFrame.from_ndarray(grey(0), format="bgr24")
        frame.pts = self._left.pop(0)
        await asyncio.sleep(0)
        return frame


async def told(captures: Mailbox[Capture]) -> Sequence[tuple[int, float]]:
    times = []
    with suppress(Transient):  # the track ends
        async for capture in captures:
            times.append((capture.media_time, capture.captured_at))  # noqa: PERF401 - an error ends it
    return times


async def test_media_time_grows_whatever_the_timestamps_do() -> None:
    gate, captures = camera(), Mailbox[Capture](20)
    with Tee().connection(None) as tap:
        await gate._pump(Erratic(), captures, tap)
    times = await told(captures)
    assert len(times) == len(Erratic.PTS)
    ticks = [ticks for ticks, _ in times]
    assert ticks == sorted(set(ticks))
    assert all(abs(ticks / 90_000 - clock) < 1 for ticks, clock in times)


async def test_the_newest_picture_wins() -> None:
    gate, publisher = camera(), Publisher()
    async with publishing(gate, publisher), asyncio.timeout(20), aclosing(gate.frames()) as taken:
        first = await anext(taken)
        number = publisher.film.number + 12
        await until(lambda: publisher.film.number >= number)
        second = await anext(taken)
    assert second.seq > first.seq + 8


async def test_its_life_is_told_as_any_cameras() -> None:
    gate, told, publisher = camera(), list[StateChange](), Publisher()

    async def watch() -> None:
        async with aclosing(supervised(gate, on_state=told.append, rest=gate.rest)) as captures:
            async for _ in captures:
                pass

    async def became(state: State) -> None:
        await until(lambda: bool(told) and told[-1].state is state)

    watching = asyncio.create_task(watch())
    await became(State.WAITING)
    assert told[-1].reason == "nobody publishes"
    async with publishing(gate, publisher):
        await became(State.LIVE)
        await publisher.close()
        await became(State.WAITING)
    assert told[-1].reason == "the publisher has gone"
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


def sockets() -> int:
    kinds = []
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            kinds.append(str(file.readlink()))
    return sum(kind.startswith("socket:") for kind in kinds)


def held() -> tuple[int, int, int]:
    """Tasks, threads (the client encodes on those of asyncio), sockets."""
    ours = [one for one in threading.enumerate() if not one.name.startswith("asyncio_")]
    return len(asyncio.all_tasks()), len(ours), sockets()


async def test_twenty_come_and_go_and_nothing_of_them_is_left() -> None:
    gate = camera()
    before = held()
    for number in range(20):
        publisher = Publisher()
        async with publishing(gate, publisher) as publication:
            assert len(await take_open(gate, publication, ended=number % 2 == 0)) == 2
    await until(lambda: held() == before)


async def take_open(
    gate: PublishedCamera, publication: Publication, *, ended: bool
) -> Sequence[Capture]:
    """Two pictures; then the session is ended by its name, or the reader goes."""
    taken: list[Capture] = []
    async with asyncio.timeout(20), aclosing(gate.frames()) as captures:
        while len(taken) < 2:
            taken.append(await anext(captures))
        if ended:
            assert await gate.unpublish(publication.session)
    return taken
