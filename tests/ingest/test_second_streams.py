"""A camera of two streams: the small one is analysed, the large one is viewed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest

from ingest.address import CameraUrl, WhipAddress
from ingest.decode import Painter
from ingest.fleet import CameraSpec
from ingest.options import CameraOptions, Masks
from ingest.playable import Playable
from ingest.roles import StreamRole, Streams
from ingest.rtsp import RtspCamera
from ingest.second_stream import SecondStatus, Wish
from ingest.second_streams import SecondStreams
from ingest.source import State
from ingest.supervisor import Backoff
from ingest.tee import Tee
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import Clip, read_clip, write_clip
from pipeline.errors import BadInput
from pipeline.messages import CameraId, Capture, Image
from tests.films import number_of, numbered_picture

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
GATE = CameraId("gate")
SOON = Backoff(first=0.01, most=0.01)
COUNT = 50


def clip(folder: Path, times: int) -> Clip:
    """The numbered pictures, so many times as large; a key picture each second."""
    path = folder / f"{times}.mp4"
    large = (numbered_picture(number).repeat(times, 0).repeat(times, 1) for number in range(COUNT))
    write_clip(path, large, 25)
    return read_clip(path)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clip]:
    folder = tmp_path_factory.mktemp("clips")
    return {"low": clip(folder, 1), "high": clip(folder, 2)}


class Watched:
    """A camera that is analysed, with whatever other streams it has."""

    def __init__(self, group: asyncio.TaskGroup, url: CameraUrl) -> None:
        self.tee = Tee("gate")
        self.seconds = SecondStreams(group, lambda _: self.tee, _connect, SOON, lambda _: None)
        self._url = url
        self.frames: list[Capture] = []
        self.played: list[Playable] = []
        self._source = RtspCamera(url, GATE, tee=self.tee)

    async def watch(self) -> None:
        async with aclosing(self._source.frames()) as frames:
            async for frame in self.seconds.beside(GATE, frames):
                self.frames.append(frame)

    async def put(self, **streams: CameraUrl) -> None:
        spec = CameraSpec(GATE, self._url, streams=Streams(**streams))
        await self.seconds.put(spec)

    def play(self) -> None:
        self.seconds.video(GATE).play(self.played.append)

    def halt(self) -> None:
        self.seconds.video(GATE).halt()

    @property
    def status(self) -> SecondStatus:
        ((camera, status),) = self.seconds.statuses()
        assert camera == GATE
        return status

    def roles(self) -> Sequence[StreamRole]:
        return [one.role for one in self.played]


def _connect(spec: CameraSpec, url: CameraUrl, tee: Tee, wish: Wish) -> RtspCamera:
    every, keys = CameraOptions(), CameraOptions(analysed="keys")
    return RtspCamera(url, spec.camera, tee=tee, told=lambda: every if wish() else keys)


@asynccontextmanager
async def watched(url: CameraUrl, **streams: CameraUrl) -> AsyncIterator[Watched]:
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        watching = Watched(group, url)
        task = group.create_task(watching.watch())
        await watching.put(**streams)
        yield watching
        watching.halt()
        await watching.seconds.remove(GATE)
        task.cancel()


def numbers(pictures: Sequence[Playable]) -> dict[int, int]:
    """Media time to number, of pictures of both sizes one after the other."""
    found: dict[int, int] = {}
    decoder, painter = av.CodecContext.create("h264", "r"), Painter()
    assert isinstance(decoder, av.VideoCodecContext)
    for coded in pictures:
        for picture in decoder.decode(av.Packet(coded.data)):
            found[coded.media_time] = number_of(small(painter.image(picture)))
    assert len(found) == len(pictures)
    return found


def small(image: Image) -> Image:
    return image[::2, ::2] if image.shape[0] > 120 else image


async def test_viewers_get_the_large_one_with_the_times_of_the_analysed_one(
    clips: dict[str, Clip], eventually: Eventually
) -> None:
    async with VirtualCamera(clips, together=True) as camera:
        async with watched(camera.url("low"), view=camera.url("high")) as watching:
            await eventually(lambda: len(watching.frames) > 5)
            assert camera.clients == 1
            assert watching.status.state is None
            watching.play()
            await eventually(lambda: watching.roles().count(StreamRole.VIEW) > 60)
            assert camera.clients == 2
            assert watching.status.state is State.LIVE
            status = watching.status
            assert (status.observed.width, status.exact) == (320, True)
        await eventually(lambda: camera.clients == 0)
    roles = watching.roles()
    first = roles.index(StreamRole.VIEW)
    assert set(roles[first:]) == {StreamRole.VIEW}
    assert watching.played[first].key
    times = [one.media_time for one in watching.played]
    assert all(after > before for before, after in pairwise(times))
    assert numbers(watching.played)
    large = [one for one in watching.played[first:] if one.exact]
    by_time = numbers(watching.played[first:])
    analysed = {frame.media_time: number_of(frame.paint()) for frame in watching.frames}
    assert len(large) > 50
    told = []
    for one in large:
        near = min(analysed, key=lambda time, at=one.media_time: abs(time - at))
        if abs(near - one.media_time) <= 5:
            told.append((by_time[one.media_time], analysed[near]))
    assert len(told) > 40
    assert [pair for pair in told if pair[0] != pair[1]] == []


async def test_it_is_connected_while_somebody_views_and_a_little_longer(
    clips: dict[str, Clip], eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.second_stream._LINGER", 0.3)
    async with (
        VirtualCamera(clips, together=True) as camera,
        watched(camera.url("low"), view=camera.url("high")) as watching,
    ):
        for _ in range(2):
            watching.play()
            await eventually(lambda: watching.roles().count(StreamRole.VIEW) > 5)
            assert camera.clients == 2
            assert watching.status.observed.decoded < watching.status.observed.pictures
            watching.halt()
            watching.play()
            watching.halt()
            assert watching.status.state is State.LIVE
            await eventually(lambda: camera.clients == 1)
            await eventually(lambda: watching.status.state is None)
            watching.played.clear()


async def test_without_the_view_stream_the_analysed_one_is_viewed_and_analysis_goes_on(
    clips: dict[str, Clip], eventually: Eventually
) -> None:
    async with VirtualCamera(clips, together=True) as low:
        async with VirtualCamera({"high": clips["high"]}) as high:
            away = high.url("high")
            async with watched(low.url("low"), view=replace(away, path="/none")) as watching:
                watching.play()
                await eventually(lambda: len(watching.played) > 20)
                assert set(watching.roles()) == {StreamRole.ANALYSE}
                await eventually(lambda: "404" in watching.status.reason)
                await watching.put(view=away)
                await eventually(lambda: watching.roles()[-1] is StreamRole.VIEW)
                high.stall()
                high.kick()
                await eventually(lambda: watching.roles()[-1] is StreamRole.ANALYSE)
                high.resume()
                await eventually(lambda: watching.roles()[-1] is StreamRole.VIEW)
                seen = numbers(watching.played)
                times = [one.media_time for one in watching.played]
                assert len(seen) == len(times)
                assert times == sorted(set(times))
        seqs = [frame.seq for frame in watching.frames]
    assert seqs == list(range(len(seqs)))
    assert len(seqs) > 20


async def test_viewers_go_on_where_the_analysed_stream_comes_from_elsewhere(
    clips: dict[str, Clip], eventually: Eventually
) -> None:
    async with VirtualCamera(clips, together=True) as camera, watched(camera.url("low")) as one:
        one.play()
        await eventually(lambda: len(one.played) > 5)
        other = Tee("gate")
        other.clock.skip(one.tee.clock.latest)
        async with aclosing(RtspCamera(camera.url("low"), GATE, tee=other).frames()) as frames:
            await anext(frames)
            before = len(one.played)
            one.tee = other
            one.seconds.move(GATE)
            await eventually(lambda: len(one.played) > before + 20)
            await one.put(view=camera.url("high"))
            await eventually(lambda: one.roles()[-1] is StreamRole.VIEW)
    times = [picture.media_time for picture in one.played]
    assert all(after > before for before, after in pairwise(times))
    assert one.played[before].key
    assert len(numbers(one.played)) == len(times)


async def test_one_address_for_all_is_one_connection(
    clips: dict[str, Clip], eventually: Eventually
) -> None:
    async with VirtualCamera(clips, together=True) as camera:
        low, high = camera.url("low"), camera.url("high")
        assert Streams(view=low, detail=low).beside(low) == Streams()
        assert Streams(view=high, detail=low).beside(low) == Streams(view=high)
        async with watched(low, view=high, detail=high) as watching:
            watching.play()
            await eventually(lambda: watching.roles().count(StreamRole.VIEW) > 10)
            assert list(watching.status.roles) == [StreamRole.VIEW, StreamRole.DETAIL]
            assert camera.clients == 2
            watching.halt()
            before = len(watching.frames)
            await watching.put(view=high, detail=high)
            await watching.put(detail=high)
            assert list(watching.status.roles) == [StreamRole.DETAIL]
            await eventually(lambda: camera.clients == 2)
            await watching.put()
            assert watching.seconds.statuses() == []
            await eventually(lambda: camera.clients == 1)
            await eventually(lambda: len(watching.frames) > before + 5)


async def test_what_is_masked_is_black_in_every_stream(
    clips: dict[str, Clip], eventually: Eventually
) -> None:
    below: Masks = (((0, 0.5), (1, 0.5), (1, 1), (0, 1)),)
    async with (
        VirtualCamera(clips, together=True) as camera,
        watched(camera.url("low"), view=camera.url("high"), detail=camera.url("high")) as watching,
    ):
        watching.play()
        await eventually(lambda: watching.roles().count(StreamRole.VIEW) > 5)
        latest = max(watching.tee.mask(below), watching.seconds.mask(GATE, below))
        assert latest >= watching.played[-1].media_time
        watching.played.clear()
        watching.play()
        await eventually(lambda: watching.roles().count(StreamRole.VIEW) > 10)
        played = [*watching.played]
        await eventually(lambda: watching.frames[-1].detail() is not None)
        detail = watching.frames[-1].detail()
    first = next(n for n, one in enumerate(played) if one.role is StreamRole.VIEW)
    assert {one.encoded for one in played} == {True}
    assert min(one.media_time for one in played) > latest
    assert len(numbers(played[first:])) == len(played) - first
    assert detail is not None
    assert detail[120:].max() == 0
    decoder, painter = av.CodecContext.create("h264", "r"), Painter()
    assert isinstance(decoder, av.VideoCodecContext)
    shown = [one for coded in played[first:] for one in decoder.decode(av.Packet(coded.data))]
    assert len(shown) > 5
    assert max(painter.image(one)[128:].max() for one in shown) < 16


async def test_details_are_of_the_moment_and_decoded_only_while_somebody_asks(
    clips: dict[str, Clip], eventually: Eventually
) -> None:
    async with (
        VirtualCamera(clips, together=True) as camera,
        watched(camera.url("low"), detail=camera.url("high")) as watching,
    ):
        await eventually(lambda: watching.status.observed.decoded == 2)
        assert watching.status.observed.pictures > 20
        pairs: list[tuple[int, int]] = []

        def ask() -> bool:
            frame = watching.frames[-1]
            image = frame.detail()
            if image is not None:
                assert image.shape == (240, 320, 3)
                pairs.append((number_of(frame.paint()), number_of(small(image))))
            return len(pairs) > 30

        await eventually(ask)
        assert [one for one in pairs if one[0] != one[1]] == []
        assert watching.status.exact


def test_a_camera_that_publishes_has_one_stream() -> None:
    high = CameraUrl.parse("rtsp://203.0.113.9/high")
    assert Streams().beside(WhipAddress()) == Streams()
    with pytest.raises(BadInput, match="one stream"):
        Streams(view=high).beside(WhipAddress())
