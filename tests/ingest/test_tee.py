"""What viewers get of a camera, beside its analysis."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import pytest

from ingest.decode import Painter
from ingest.encoding import Encoding
from ingest.nal_units import START
from ingest.playable import Playable
from ingest.rtsp import RtspCamera
from ingest.source import State, StateChange
from ingest.supervisor import Backoff, supervised
from ingest.tee import Tee
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import Clip, CodedPicture, read_clip
from pipeline.messages import CameraId, Capture
from tests.films import number_of

Film = Callable[..., Path]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
GATE = CameraId("gate")
SOON = Backoff(first=0.01, most=0.01)


@pytest.fixture(autouse=True)
def _no_encoder_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("encoder "):
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def encoders(monkeypatch: pytest.MonkeyPatch) -> list[Encoding]:
    """Every encoding that was begun."""
    made: list[Encoding] = []

    class Counted(Encoding):
        def __init__(self, *args: object) -> None:
            made.append(self)
            super().__init__(*args)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr("ingest.tee.Encoding", Counted)
    return made


@dataclass(frozen=True)
class Announced(Clip):
    """A clip whose parameter sets stand in the SDP alone."""

    original: Clip

    @property
    def sps(self) -> bytes:
        return self.original.sps

    @property
    def pps(self) -> bytes:
        return self.original.pps


def announced(clip: Clip) -> Announced:
    pictures = [
        CodedPicture([unit for unit in one.units if unit[0] & 0x1F in (1, 5)], one.shown)
        for one in clip.pictures
    ]
    return Announced(pictures, clip.rate, clip)


def sent(clip: Clip) -> Sequence[bytes]:
    """Each picture as a camera of this clip sends it."""
    return [b"".join(START + unit for unit in one.units) for one in clip.pictures]


class Watched:
    """A camera that is watched, and perhaps played, as if by a shard."""

    def __init__(self, tee: Tee) -> None:
        self.tee = tee
        self.frames: list[Capture] = []
        self.played: list[Playable] = []
        self.states: list[StateChange] = []
        self.more = asyncio.Event()

    async def watch(self, frames: AsyncIterator[Capture]) -> None:
        async for frame in frames:
            self.frames.append(frame)
            self.more.set()

    async def see(self, count: int) -> None:
        """So many more frames."""
        wanted = len(self.frames) + count
        while len(self.frames) < wanted:
            self.more.clear()
            await self.more.wait()

    def play(self) -> None:
        self.tee.play(self.played.append)


@asynccontextmanager
async def watched(camera: VirtualCamera) -> AsyncIterator[Watched]:
    watching = Watched(Tee("gate"))
    source = RtspCamera(camera.url("gate"), GATE, tee=watching.tee)
    async with (
        asyncio.timeout(60),
        aclosing(supervised(source, backoff=SOON, on_state=watching.states.append)) as frames,
    ):
        task = asyncio.create_task(watching.watch(frames))
        try:
            yield watching
        finally:
            task.cancel()
            await asyncio.wait([task])


def shown(pictures: Sequence[Playable]) -> Sequence[int]:
    """The numbers of the pictures, decoded."""
    decoder, painter = av.CodecContext.create("h264", "r"), Painter()
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [one for coded in pictures for one in decoder.decode(av.Packet(coded.data))]
    return [number_of(painter.image(one)) for one in (*frames, *decoder.decode(None))]


def media_times(pictures: Sequence[Playable] | Sequence[Capture]) -> Sequence[int]:
    return [one.media_time for one in pictures]


def assert_growing(pictures: Sequence[Playable]) -> None:
    assert all(after > before for before, after in pairwise(media_times(pictures)))


@pytest.mark.parametrize(
    "options", [{}, {"profile": "baseline"}, {"slices": "3"}, {"profile": "main", "g": "40"}]
)
async def test_the_cameras_own_pictures_are_played_and_no_encoder_is_made(
    film: Film, encoders: list[Encoding], options: dict[str, str]
) -> None:
    clip = read_clip(film(40, **options))
    async with VirtualCamera({"gate": clip}) as camera, watched(camera) as watching:
        await watching.see(25)
        watching.play()
        begun = [*watching.played]
        await watching.see(60)
        played, frames = [*watching.played], [*watching.frames]
    assert encoders == []
    assert begun[0].key
    assert any(one.key for one in played[1:])
    assert {one.encoded for one in played} == {False}
    numbers = shown(played)
    assert len(numbers) == len(played)
    assert list(numbers) == [(numbers[0] + n) % 40 for n in range(len(numbers))]
    originals = sent(clip)
    assert [one.data for one in played] == [originals[number] for number in numbers]
    assert {after - before for before, after in pairwise(media_times(played))} == {3600}
    by_time = dict(zip(media_times(played), numbers, strict=True))
    analysed = [frame for frame in frames if frame.media_time >= played[0].media_time]
    assert len(analysed) > 60
    for frame in analysed:
        assert by_time[frame.media_time] == number_of(frame.paint())


async def test_key_pictures_get_the_parameter_sets_that_only_the_sdp_has(
    film: Film, encoders: list[Encoding]
) -> None:
    clip = read_clip(film(40))
    async with VirtualCamera({"gate": announced(clip)}) as camera, watched(camera) as watching:
        await watching.see(15)
        watching.play()
        await watching.see(20)
    keys = [one for one in watching.played if one.key]
    assert len(keys) >= 2
    in_front = START + clip.sps + START + clip.pps
    assert {key.data[: len(in_front)] for key in keys} == {in_front}
    assert len(shown(watching.played)) == len(watching.played)
    assert encoders == []


@pytest.mark.parametrize(
    "options", [{"bf": "2"}, {"bf": "1", "profile": "main"}, {"x264-params": "interlaced=1"}]
)
async def test_what_browsers_cannot_play_is_encoded_while_somebody_plays(
    film: Film, encoders: list[Encoding], caplog: pytest.LogCaptureFixture, options: dict[str, str]
) -> None:
    caplog.set_level("INFO")
    clip = read_clip(film(40, **options))
    async with VirtualCamera({"gate": clip}) as camera, watched(camera) as watching:
        await watching.see(15)
        assert encoders == []
        for _ in range(2):
            before, count = len(watching.played), len(encoders)
            watching.play()
            await watching.see(60)
            watching.tee.halt()
            played = watching.played[before:]
            assert len(encoders) == count + 1
            assert {one.encoded for one in played} == {True}
            assert played[0].key
            assert len(shown(played)) == len(played) > 30
            await watching.see(3)
    assert_growing(watching.played)
    by_time = {frame.media_time: number_of(frame.paint()) for frame in watching.frames}
    first, second = encoders
    assert first is not second
    assert caplog.text.count("camera gate is encoded for its viewers") == 2
    numbers = shown(played)
    matched = [
        (by_time[one.media_time], number)
        for one, number in zip(played, numbers, strict=True)
        if one.media_time in by_time
    ]
    assert len(matched) > 30
    assert [pair for pair in matched if pair[0] != pair[1]] == []


async def test_where_key_pictures_are_too_rare_it_is_encoded(
    film: Film, encoders: list[Encoding], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.passing._PATIENCE", 90_000)
    clip = read_clip(film(100, g="100"))
    async with VirtualCamera({"gate": clip}) as camera, watched(camera) as watching:
        watching.play()
        await watching.see(60)
    assert len(encoders) == 1
    kinds = [one.encoded for one in watching.played]
    at = kinds.index(True)
    assert kinds == [False] * at + [True] * (len(kinds) - at)
    assert at >= 20
    assert watching.played[at].key
    assert_growing(watching.played)
    assert len(shown(watching.played)) == len(watching.played)


async def test_over_a_lost_connection_it_begins_again_with_a_key_picture(film: Film) -> None:
    clip = read_clip(film(40))
    async with VirtualCamera({"gate": clip}) as camera, watched(camera) as watching:
        watching.play()
        for _ in range(3):
            await watching.see(25)
            before = len(watching.played)
            camera.kick()
            await watching.see(12)
            gap = next(
                place
                for place, (one, after) in enumerate(pairwise(watching.played[before - 5 :]))
                if after.media_time - one.media_time != 3600
            )
            assert watching.played[before - 5 + gap + 1].key
    assert_growing(watching.played)
    analysed = set(media_times(watching.frames))
    assert len(analysed & set(media_times(watching.played))) > 80


async def test_while_the_camera_is_away_nothing_old_is_shown(
    film: Film, eventually: Eventually
) -> None:
    async with VirtualCamera({"gate": read_clip(film(40))}) as camera, watched(camera) as watching:
        await watching.see(12)
        camera.mute()
        camera.kick()
        await eventually(lambda: watching.states[-1].state is not State.LIVE)
        watching.play()
        assert watching.played == []


async def test_what_is_not_analysed_is_played_all_the_same(
    film: Film, eventually: Eventually
) -> None:
    """Nobody fetches a frame for a while: pictures are dropped, and later not even decoded."""
    clip, tee, played = read_clip(film(40)), Tee("gate"), list[Playable]()
    async with VirtualCamera({"gate": clip}) as camera:
        source = RtspCamera(camera.url("gate"), GATE, tee=tee)
        async with asyncio.timeout(60), aclosing(source.frames()) as frames:
            await anext(frames)
            tee.play(played.append)
            begun = camera.sent
            await eventually(lambda: camera.sent >= begun + 100)
            await anext(frames)
            frame = await anext(frames)
    assert frame.seq > 80
    assert len(played) > 90
    assert {after - before for before, after in pairwise(media_times(played))} == {3600}


async def test_h265_and_motion_jpeg_are_encoded(encoders: list[Encoding]) -> None:
    tee, played, arrived = Tee("gate"), list[Playable](), threading.Semaphore(0)

    def take(picture: Playable) -> None:
        played.append(picture)
        arrived.release()

    with tee.connection("MJPEG", None) as tap:
        tap.coded(b"whatever it is", 5, key=True)
        tap.decoded(av.VideoFrame(64, 48, "yuv420p"), 5)
        assert encoders == []
        tee.play(take)
        tap.decoded(av.VideoFrame(64, 48, "yuv420p"), 6)
        assert await asyncio.to_thread(arrived.acquire, timeout=20)
    assert [(one.media_time, one.key, one.encoded) for one in played] == [(6, True, True)]


def test_key_pictures_are_asked_for_of_who_sends_now_and_not_too_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, asked, tee = 100.0, list[str](), Tee()
    monkeypatch.setattr("ingest.tee.time.monotonic", lambda: now)
    tee.request_key()  # nobody sends
    now += 1
    with tee.connection("H.264", None, ask=lambda: asked.append("first")):
        for _ in range(5):
            tee.request_key()
        assert asked == ["first"]
        now += 1
        tee.request_key()
        assert asked == ["first", "first"]
    now += 1
    tee.request_key()
    now += 1
    with tee.connection("H.264", None):
        tee.request_key()
    assert asked == ["first", "first"]
