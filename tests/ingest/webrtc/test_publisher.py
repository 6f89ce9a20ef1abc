"""Somebody publishes to a camera of ours, from another peer in this process."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from aiortc.jitterbuffer import JitterFrame

from ingest.media_clock import MediaClock
from ingest.opening import Limits
from ingest.options import CameraOptions
from ingest.playable import Playable
from ingest.source import State, StateChange
from ingest.supervisor import supervised
from ingest.tee import Tee
from ingest.webrtc.ice import Ice
from ingest.webrtc.publisher import PublishedCamera
from ingest.webrtc.session import Occupied, Publication
from ingest.webrtc.visitor import Visitor
from pipeline.errors import BadInput, Transient
from pipeline.messages import CameraId, Capture
from tests.ingest.webrtc.client import Film, Publisher, grey
from tests.ingest.webrtc.test_undecoded import H264, VP8

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
    ticks = (np.diff(times) / np.diff(numbers))[1:]  # the first one is placed by the clock alone
    assert set(ticks.tolist()) == {3600}
    assert abs(times[0] / 90_000 - captures[0].captured_at) < 1


async def test_what_is_published_is_masked_and_as_many_are_analysed_as_are_wanted() -> None:
    tee, told = Tee("yard"), [CameraOptions(analysed=5)]
    gate = PublishedCamera(CameraId("yard"), BRIEF, tee=tee, told=lambda: told[0])
    below = ((0, 0.5), (1, 0.5), (1, 1), (0, 1))
    tee.mask((below,))
    played: list[Playable] = []
    tee.play(played.append)
    publisher = Publisher(Film(lambda _: grey(90)), "video/H264")
    async with publishing(gate, publisher):
        captures = await take(gate, 8)
    tee.halt()
    assert [capture.seq for capture in captures] == list(range(8))
    times = [capture.media_time for capture in captures]
    assert times[-1] - times[0] > 6 * 3600 * 3  # all would be 7 * 3600
    image = captures[-1].paint()
    assert (image[120:] == 0).all()
    assert abs(float(np.mean(image[:119])) - 90) < 6
    assert len(played) > 20
    assert {one.encoded for one in played} == {True}
    assert tee.observed.transport == "webrtc"


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


async def test_media_time_grows_whatever_the_timestamps_do() -> None:
    """As aiortc tells it of a sender that begins to count anew."""
    leaps = (0, 3600, 7200, 2**32, 2**32 + 3600, 5, 3605, 90_000_000, 90_003_600)
    visitor, arrivals = Visitor(LOCAL, MediaClock(), lambda: None), []
    for pts in leaps:
        visitor._came(VP8, JitterFrame(b"\x00", pts))
        arrivals.append(visitor.arrival(pts))
    arrivals.append(visitor.arrival(None))
    await visitor.close()
    times = [arrival.media_time for arrival in arrivals]
    assert times == sorted(set(times))
    assert all(abs(arrival.media_time / 90_000 - arrival.at) < 1 for arrival in arrivals)


@pytest.mark.parametrize(("codec", "encoded"), [("video/H264", False), ("video/VP8", True)])
async def test_viewers_are_given_h264_as_it_came_and_all_else_encoded(
    codec: str, encoded: bool
) -> None:
    tee, played = Tee(), list[Playable]()
    tee.play(played.append)
    gate, publisher = PublishedCamera(CameraId("yard"), BRIEF, tee=tee), Publisher(codec=codec)
    async with publishing(gate, publisher):
        captures = await take(gate, 10)
        tee.halt()
    assert len(played) >= 5
    assert {picture.encoded for picture in played} == {encoded}
    assert played[0].key
    times = [picture.media_time for picture in played]
    assert times == sorted(set(times))
    assert len({capture.media_time for capture in captures} & set(times)) >= 5


async def test_key_pictures_are_asked_for_while_h264_is_passed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.webrtc.visitor._KEY_EVERY", 9_000)
    tee, played = Tee(), list[Playable]()
    tee.play(played.append)
    gate = PublishedCamera(CameraId("yard"), BRIEF, tee=tee)
    async with publishing(gate, Publisher(codec="video/H264")):
        await take(gate, 30)
    assert sum(picture.key for picture in played) >= 2


@pytest.mark.parametrize("codec", ["video/H264", "video/VP8"])
async def test_a_viewer_who_lost_pictures_gets_a_key_picture_at_once(
    monkeypatch: pytest.MonkeyPatch, codec: str
) -> None:
    """From the publisher, or from the encoder; without asking the next one is far away."""
    monkeypatch.setattr("ingest.webrtc.visitor._KEY_EVERY", 1 << 40)
    monkeypatch.setattr("ingest.encoding._KEY_EVERY", 1 << 40)
    tee, played = Tee(), list[Playable]()
    tee.play(played.append)
    gate = PublishedCamera(CameraId("yard"), BRIEF, tee=tee)
    async with publishing(gate, Publisher(codec=codec)), aclosing(gate.frames()) as captures:
        async for _ in captures:
            if played:
                break
        begun = len(played)
        tee.request_key()
        async for _ in captures:
            if any(picture.key for picture in played[begun:]):
                break
    tee.halt()
    assert played[0].key


async def test_who_changes_the_codec_is_let_go() -> None:
    visitor, gone = Visitor(LOCAL, MediaClock(), lambda: None), list[Transient]()
    with Tee().connection("VP8", None) as tap:
        visitor._came(VP8, JitterFrame(b"\x00", 0))
        assert await visitor.began(1) == "VP8"
        visitor.listen(tap, gone.append)
        visitor._came(H264, JitterFrame(b"\x00\x00\x00\x01\x65", 3600))
    await visitor.close()
    assert str(gone[0]) == "the publisher went from VP8 to H264"


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
        async with aclosing(supervised(gate, on_state=told.append)) as captures:
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
