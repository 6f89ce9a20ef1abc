"""Our RTSP source and gst-rtsp-server, a server that nobody here wrote."""

import asyncio
import logging
import time
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from fractions import Fraction
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from ingest.address import CameraUrl
from ingest.describe import describe
from ingest.destination import Destinations
from ingest.opening import Limits
from ingest.options import CameraOptions, Transport
from ingest.rtsp import RtspCamera
from ingest.source import State, StateChange
from ingest.supervisor import Backoff, supervised
from ingest.tee import Tee
from ingest.troubles import NoTransport
from pipeline.errors import BadInput, FaceapiError, Misconfigured, Transient
from pipeline.messages import CameraId, Capture
from tests.films import number_of, write_film
from tests.system.gst import GstServer, serve_all

pytestmark = pytest.mark.system
Serve = Callable[..., GstServer]
GATE = CameraId("gate")
BRIEF = Limits(connect=2, silence=1)


async def take(
    url: CameraUrl, count: int, transport: Transport = Transport.TCP, tee: Tee | None = None
) -> list[Capture]:
    taken = []
    camera = RtspCamera(url, GATE, tee=tee, told=lambda: CameraOptions(transport=transport))
    async with asyncio.timeout(60), aclosing(camera.frames()) as frames:
        async for frame in frames:
            taken.append(frame)
            if len(taken) == count:
                break
    return taken


async def lost(url: CameraUrl) -> FaceapiError:
    with pytest.raises(FaceapiError) as caught:
        async for _ in RtspCamera(url, GATE, BRIEF).frames():
            pass
    return caught.value


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("h264.mp4", "libx264", {}),
        ("b-frames.mp4", "libx264", {"bf": "2"}),
        ("slices.mp4", "libx264", {"slices": "4"}),
        ("h265.mp4", "libx265", {"x265-params": "bframes=0:keyint=10:log-level=none"}),
    ],
)
async def test_pictures_come_whole_and_in_order_with_the_servers_own_time(
    gst_server: Serve,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    codec: str,
    options: dict[str, str],
) -> None:
    server = gst_server(write_film(tmp_path / name, 60, codec, **options))
    began = time.time()
    frames: list[Capture] = []
    late: list[float] = []
    async with asyncio.timeout(60), aclosing(RtspCamera(server.url, GATE).frames()) as source:
        async for frame in source:
            late.append(time.time() - (frame.captured_at if frames else began))
            frames.append(frame)
            if sum(frame.rtp_timestamp is not None for frame in frames) == 25:
                break
    with capsys.disabled():
        print(f" {name}: first after {late[0]:.3f} s, then {median(late[-20:]):.3f} s late")  # noqa: T201
    assert number_of(frames[0].paint()) < 10
    assert_in_order(frames)
    for before, after in pairwise(frames[-20:]):
        assert before.rtp_timestamp is not None
        assert after.rtp_timestamp is not None
        ticks = (after.rtp_timestamp - before.rtp_timestamp) % 2**32
        assert ticks == 3600 * ((number_of(after.paint()) - number_of(before.paint())) % 60)


async def test_motion_jpeg_is_taken_too(gst_server: Serve, tmp_path: Path) -> None:
    film = write_film(tmp_path / "mjpeg.avi", 60, "mjpeg", huffman="default")
    frames = await take(gst_server(film).url, 40)
    assert number_of(frames[0].paint()) < 10
    assert_in_order(frames)


async def test_of_motion_jpeg_only_what_is_analysed_is_decoded(
    gst_server: Serve, tmp_path: Path
) -> None:
    film = write_film(tmp_path / "mjpeg.avi", 60, "mjpeg", huffman="default")
    tee, frames = Tee(), list[Capture]()
    options = CameraOptions(analysed=5)
    camera = RtspCamera(gst_server(film).url, GATE, tee=tee, told=lambda: options)
    async with asyncio.timeout(30), aclosing(camera.frames()) as captures:
        async for capture in captures:
            frames.append(capture)
            if len(frames) == 8:
                break
    assert [frame.seq for frame in frames] == list(range(8))
    assert tee.observed.pictures > 25
    assert 8 <= tee.observed.decoded <= 9
    numbers = [number_of(frame.paint()) for frame in frames]
    assert all(3 <= (after - before) % 60 <= 7 for before, after in pairwise(numbers[1:]))


def assert_in_order(frames: Sequence[Capture]) -> None:
    """Each picture of the film of 60 after the one before it; a few may have been dropped."""
    numbers = [number_of(frame.paint()) for frame in frames]
    assert all(number < 60 for number in numbers)
    assert all(0 < (after - before) % 60 < 30 for before, after in pairwise(numbers))
    assert all(before.captured_at <= after.captured_at for before, after in pairwise(frames))


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        ("mp4", "libx264", {}),
        ("mp4", "libx265", {"x265-params": "bframes=0:keyint=10:log-level=none"}),
        ("avi", "mjpeg", {"huffman": "default"}),
    ],
)
async def test_the_resolution_may_change_while_it_plays(
    gst_server: Serve, tmp_path: Path, suffix: str, codec: str, options: dict[str, str]
) -> None:
    films = [
        write_film(tmp_path / f"{scale}.{suffix}", 20, codec, scale, **options) for scale in (1, 2)
    ]
    frames = await take(gst_server(serve_all(films, tmp_path)).url, 50)
    images = [frame.paint() for frame in frames]
    assert {image.shape for image in images} == {(120, 160, 3), (240, 320, 3)}
    numbers = [number_of(image) for image in images]
    assert all(0 < (after - before) % 20 < 9 for before, after in pairwise(numbers))


@pytest.mark.parametrize("scheme", ["digest", "basic"])
async def test_the_right_password_is_accepted(
    gst_server: Serve, tmp_path: Path, scheme: str
) -> None:
    film = write_film(tmp_path / "film.mp4", 20)
    server = gst_server(film, login="gate:p@ss:/#?w%rd", AUTH=scheme)
    ours = describe(server.url, Destinations([ip_network("127.0.0.1/32")]), 5)
    assert list(ours) == ["H264"]
    assert len(await take(server.url, 3)) == 3


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.AUTO])
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("h264.mp4", "libx264", {"bf": "2"}),
        ("h265.mp4", "libx265", {"x265-params": "bframes=0:keyint=10:log-level=none"}),
        ("mjpeg.avi", "mjpeg", {"huffman": "default"}),
    ],
)
async def test_a_camera_that_sends_datagrams_alone_is_taken(
    gst_server: Serve,
    tmp_path: Path,
    transport: Transport,
    name: str,
    codec: str,
    options: dict[str, str],
) -> None:
    server = gst_server(write_film(tmp_path / name, 60, codec, **options), TRANSPORT="udp")
    tee = Tee()
    assert_in_order(await take(server.url, 30, transport, tee))
    assert tee.observed.transport == "udp"


async def test_a_camera_that_refuses_what_was_asked_says_what_may_be(
    gst_server: Serve, tmp_path: Path
) -> None:
    film = write_film(tmp_path / "film.mp4", 20)
    for only, asked in (("udp", Transport.TCP), ("tcp", Transport.UDP)):
        with pytest.raises(NoTransport, match="may be tcp, udp or auto"):
            await take(gst_server(film, TRANSPORT=only).url, 1, asked)


async def test_lost_datagrams_cost_pictures_and_not_the_connection(
    gst_server: Serve, tmp_path: Path
) -> None:
    server = gst_server(write_film(tmp_path / "film.mp4", 60), TRANSPORT="udp", LOST="0.03")
    tee = Tee()
    frames = await take(server.url, 60, Transport.UDP, tee)
    assert tee.observed.connections == 1
    whole = [number for frame in frames if (number := number_of(frame.paint())) < 60]
    assert len(whole) > 30
    forward = [(after - before) % 60 for before, after in pairwise(whole)]
    assert sum(step < 20 for step in forward) > 0.8 * len(forward)


@pytest.mark.parametrize("tracks", ["sound,video", "metadata,video,sound", "sound,video,twin"])
async def test_of_several_tracks_the_first_video_is_taken(
    gst_server: Serve, tmp_path: Path, tracks: str
) -> None:
    server = gst_server(write_film(tmp_path / "film.mp4", 60), TRACKS=tracks)
    frames = await take(server.url, 20)
    assert number_of(frames[0].paint()) < 10
    assert_in_order(frames)


@pytest.mark.parametrize("wrong", ["gate:nite-ward", "yard:nite-word", ""])
async def test_a_wrong_password_is_for_a_person_to_change_and_is_not_shown(
    *,
    gst_server: Serve,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    wrong: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = gst_server(write_film(tmp_path / "film.mp4", 20), login="gate:nite-word")
    login = f"{wrong}@" if wrong else ""
    error = await lost(CameraUrl.parse(f"rtsp://{login}127.0.0.1:{server.port}/live"))
    assert isinstance(error, Misconfigured)
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    text = "".join(shown.format()) + repr(error) + caplog.text + "".join(capfd.readouterr())
    assert f"127.0.0.1:{server.port}" in text
    assert "nite-w" not in text
    assert (error.__cause__, error.__context__) == (None, None)


async def test_a_path_without_a_stream_is_bad_input(gst_server: Serve, tmp_path: Path) -> None:
    server = gst_server(write_film(tmp_path / "film.mp4", 20))
    error = await lost(CameraUrl.parse(f"rtsp://127.0.0.1:{server.port}/yard"))
    assert isinstance(error, BadInput)
    assert "404" in str(error)


async def test_a_codec_that_is_not_taken_is_named_with_those_that_are(
    gst_server: Serve, tmp_path: Path
) -> None:
    server = gst_server(write_film(tmp_path / "film.webm", 20, "libvpx"))
    error = await lost(server.url)
    assert isinstance(error, BadInput)
    assert "vp8" in str(error)
    assert "H.264, H.265 and MJPEG" in str(error)


async def test_where_there_is_only_sound_it_asks_for_video(gst_server: Serve) -> None:
    error = await lost(gst_server(GstServer("sound", Fraction(25), None)).url)
    assert "is there video in it" in str(error)


async def test_a_server_that_was_killed_is_connected_again_when_it_is_back(
    gst_server: Serve, tmp_path: Path
) -> None:
    told: list[StateChange] = []
    refused = asyncio.Event()

    def tell(change: StateChange) -> None:
        told.append(change)
        if "refused" in change.reason:
            refused.set()

    server = gst_server(write_film(tmp_path / "film.mp4", 40))
    source = RtspCamera(server.url, GATE, BRIEF)
    soon = Backoff(first=0.05, most=0.2)
    async with aclosing(supervised(source, backoff=soon, on_state=tell)) as frames:
        await anext(frames)
        server.kill()
        reading = asyncio.create_task(_next_life(frames, told))
        await asyncio.wait_for(refused.wait(), 30)
        server.start()
        assert (await asyncio.wait_for(reading, 30)).seq == 0
    states = [change.state for change in told]
    assert states[:3] == [State.CONNECTING, State.LIVE, State.WAITING]
    assert states[-2:] == [State.CONNECTING, State.LIVE]


async def _next_life(frames: AsyncIterator[Capture], told: list[StateChange]) -> Capture:
    """The first frame of another connection."""
    async for frame in frames:
        if [change.state for change in told].count(State.LIVE) == 2:
            return frame
    raise AssertionError


async def test_a_frozen_server_is_lost(gst_server: Serve, tmp_path: Path) -> None:
    server = gst_server(write_film(tmp_path / "film.mp4", 40))
    async with aclosing(RtspCamera(server.url, GATE, BRIEF).frames()) as frames:
        await anext(frames)
        server.freeze()
        with pytest.raises(Transient, match="silent for 1 s"):
            async for _ in frames:
                pass


async def test_a_server_that_is_frozen_from_the_start_is_lost(
    gst_server: Serve, tmp_path: Path
) -> None:
    server = gst_server(write_film(tmp_path / "film.mp4", 40))
    server.freeze()
    assert isinstance(await lost(server.url), Transient)
