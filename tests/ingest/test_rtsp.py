import asyncio
import logging
import socket
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ingest.address import CameraUrl
from ingest.footage import shots
from ingest.opening import Limits
from ingest.options import Analysed, CameraOptions
from ingest.rtsp import RtspCamera
from ingest.source import State, StateChange
from ingest.supervisor import Backoff, supervised
from ingest.troubles import Cause
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import Clip, CodedPicture, read_clip
from ingest.virtual.requests import Credentials
from pipeline.errors import BadInput, FaceapiError, Misconfigured, Transient
from pipeline.messages import CameraId, Capture
from tests.films import number_of

Film = Callable[..., Path]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
GATE = CameraId("gate")
TICKS = 3600
"""RTP ticks from a picture to the next: 25 a second."""
BRIEF = Limits(connect=0.5, silence=0.5)


async def take(url: CameraUrl, count: int) -> list[Capture]:
    taken = []
    async with aclosing(RtspCamera(url, GATE).frames()) as frames:
        async for frame in frames:
            taken.append(frame)
            if len(taken) == count:
                break
    return taken


async def lost(url: CameraUrl, limits: Limits = BRIEF) -> FaceapiError:
    """What ends the stream, whatever came before."""
    with pytest.raises(FaceapiError) as caught:
        async for _ in RtspCamera(url, GATE, limits).frames():
            pass
    return caught.value


def places(frames: Sequence[Capture], origin: int) -> list[int]:
    """Which picture of the camera's life each frame is, by its RTP timestamp."""
    stamps = [frame.rtp_timestamp for frame in frames]
    ticks = [(stamp - origin) % 2**32 for stamp in stamps if stamp is not None]
    assert len(ticks) == len(frames)
    assert all(tick % TICKS == 0 for tick in ticks)
    return [tick // TICKS for tick in ticks]


@pytest.mark.parametrize(
    "options", [{}, {"slices": "3"}, {"bf": "2"}, {"profile": "baseline"}, {"intra-refresh": "1"}]
)
async def test_pictures_come_whole_and_in_order_with_the_cameras_own_time(
    film: Film, options: dict[str, str]
) -> None:
    path, origin, begun = film(30, **options), 2**32 - 20 * TICKS, time.time()
    async with VirtualCamera({"gate": read_clip(path)}, rtp_origin=origin) as camera:
        frames = await take(camera.url("gate"), 50)
    at = places(frames, origin)
    assert all(after > before for before, after in pairwise(at))
    assert at[-1] > 30  # round, and over the end of 32 bits
    assert [number_of(frame.paint()) for frame in frames] == [place % 30 for place in at]
    began = [frame.captured_at - place / 25 for frame, place in zip(frames, at, strict=True)]
    assert {frame.media_time - TICKS * place for frame, place in zip(frames, at, strict=True)} == {
        frames[0].media_time - TICKS * at[0]
    }
    assert begun - 1 < frames[0].media_time / 90_000 < time.time()
    assert max(began) - min(began) < 2e-6
    assert begun - 1 < began[0] < time.time()
    originals = [shot.paint() for shot in shots(path)]
    for frame, place in zip(frames, at, strict=True):
        assert frame.paint().flags.c_contiguous
        assert np.array_equal(frame.paint(), originals[place % 30])


def stuck(number: int) -> int:  # noqa: ARG001 - it counts nothing
    return 0


def leaps(number: int) -> int:
    """An hour ahead, then far behind where it began."""
    return (number + (0 if number < 20 else 90_000 if number < 40 else -50_000)) * TICKS


def trembles(number: int) -> int:
    return number * TICKS + (1500 if number % 2 else -1500)


@pytest.mark.parametrize("clock", [stuck, leaps, trembles])
@pytest.mark.parametrize("analysed", ["all", 5])
async def test_a_camera_whose_timestamps_mean_nothing_is_watched_all_the_same(
    film: Film, clock: Callable[[int], int], analysed: Analysed
) -> None:
    clip, count = read_clip(film(60)), 55 if analysed == "all" else 11
    pictures = [CodedPicture(one.units, clock(place)) for place, one in enumerate(clip.pictures)]
    options, begun, frames = CameraOptions(analysed=analysed), time.time(), list[Capture]()
    async with VirtualCamera({"gate": Clip(pictures, clip.rate)}, rtp_origin=2**31) as camera:
        source = RtspCamera(camera.url("gate"), GATE, told=lambda: options)
        async with asyncio.timeout(20), aclosing(source.frames()) as captures:
            async for capture in captures:
                frames.append(capture)
                if len(frames) == count:
                    break
    assert time.time() - begun < 5
    numbers = [number_of(frame.paint()) for frame in frames]
    assert all(0 < (after - before) % 60 < 9 for before, after in pairwise(numbers))
    assert all(after.media_time > before.media_time for before, after in pairwise(frames))
    for before, after in pairwise(frames):
        assert begun - 1 < before.captured_at <= after.captured_at < time.time() + 1


@pytest.mark.parametrize("scales", [(1, 2), (2, 1), (1, 2, 3)])
async def test_the_resolution_may_change_while_it_plays(film: Film, scales: Sequence[int]) -> None:
    clips = [read_clip(film(12, name=f"{scale}.mp4", scale=scale, bf="2")) for scale in scales]
    pictures = [
        CodedPicture(one.units, one.shown + place * 12 * TICKS)
        for place, clip in enumerate(clips)
        for one in clip.pictures
    ]
    async with VirtualCamera({"gate": Clip(pictures, clips[0].rate)}) as camera:
        frames = await take(camera.url("gate"), 12 * len(scales) + 24)
    images = [frame.paint() for frame in frames]
    assert {image.shape[1] // 160 for image in images} == set(scales)
    assert [number_of(image) for image in images] == [frame.seq % 12 for frame in frames]


async def test_a_picture_does_not_wait_for_the_next_one(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(30))}, rtp_origin=0) as camera:
        patient = RtspCamera(camera.url("gate"), GATE, Limits(silence=60))
        async with aclosing(patient.frames()) as frames, asyncio.timeout(50):
            async for frame in frames:
                if frame.seq == 30:
                    camera.stall()
                if frame.seq >= 30 and places([frame], 0) == [camera.sent - 1]:
                    break
            camera.resume()


async def test_a_slow_reader_gets_the_newest_and_seq_counts_the_others(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(30))}, rtp_origin=0) as camera:
        reader = RtspCamera(camera.url("gate"), GATE)
        async with aclosing(reader.frames()) as frames:
            seen = [await anext(frames)]
            await take(camera.url("gate"), 20)
            seen += [await anext(frames), await anext(frames)]
    assert seen[0].seq == 0
    assert seen[1].seq > 10
    assert [frame.seq for frame in seen] == places(seen, 0)
    assert [number_of(frame.paint()) for frame in seen] == [frame.seq % 30 for frame in seen]


async def test_a_password_with_every_separator_is_understood(film: Film) -> None:
    login = Credentials("g@te", "p@ss:/#?w%rd")
    async with VirtualCamera({"gate": read_clip(film(5))}, login=login) as camera:
        assert len(await take(camera.url("gate"), 3)) == 3
        typed = f"rtsp://g%40te:p@ss:%2F#?w%25rd@127.0.0.1:{camera.url('gate').port}/gate"
        assert len(await take(CameraUrl.parse(typed.replace("#?", "%23%3F")), 3)) == 3


@pytest.mark.parametrize(
    ("fault", "said"),
    [(VirtualCamera.kick, "gate"), (VirtualCamera.stall, "silent for 0.5 s")],
)
async def test_a_camera_that_goes_while_it_plays_is_lost(
    film: Film, fault: Callable[[VirtualCamera], None], said: str
) -> None:
    async with VirtualCamera({"gate": read_clip(film(5))}) as camera:
        reader = RtspCamera(camera.url("gate"), GATE, BRIEF)
        async with aclosing(reader.frames()) as frames:
            await anext(frames)
            fault(camera)
            with pytest.raises(Transient, match=said):
                async for _ in frames:
                    pass


async def test_a_mute_camera_is_lost_and_holds_up_no_other(film: Film) -> None:
    clips = {"gate": read_clip(film(5))}
    async with VirtualCamera(clips) as silent, VirtualCamera(clips) as camera:
        silent.mute()
        waiting = asyncio.create_task(lost(silent.url("gate"), Limits(connect=3)))
        assert len(await take(camera.url("gate"), 10)) == 10
        assert not waiting.done()
        assert isinstance(await waiting, Transient)


async def test_a_refused_connection_is_transient() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = CameraUrl.parse(f"rtsp://gate:nite-word@127.0.0.1:{closed.getsockname()[1]}/live")
        error = await lost(url)
    assert isinstance(error, Transient)
    assert "refused" in str(error)


async def test_a_server_of_something_else_is_transient() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await lost(CameraUrl.parse(f"rtsp://127.0.0.1:{port}/live"))
    assert isinstance(error, Transient)


async def test_a_stream_that_is_not_there_is_bad_input(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(5))}) as camera:
        error = await lost(camera.url("yard"))
    assert isinstance(error, BadInput)
    assert "404" in str(error)


async def test_without_a_login_it_says_how_to_give_one(film: Film) -> None:
    clips = {"gate": read_clip(film(5))}
    async with VirtualCamera(clips, login=Credentials("gate", "x")) as camera:
        port = camera.url("gate").port
        error = await lost(CameraUrl.parse(f"rtsp://127.0.0.1:{port}/gate"))
    assert isinstance(error, Misconfigured)
    assert "user:password@" in str(error)


@pytest.mark.parametrize("problem", ["wrong password", "no such stream", "kicked", "stalled"])
async def test_no_error_shows_the_password(
    film: Film,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    problem: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    login = Credentials("gate", "nite-word/@")
    async with VirtualCamera({"gate": read_clip(film(5))}, login=login) as camera:
        url = camera.url("yard" if problem == "no such stream" else "gate")
        if problem == "wrong password":
            url = CameraUrl.parse(url.with_secrets.replace("nite-word", "nite-word2"))
        ending = asyncio.create_task(lost(url))
        if problem in ("kicked", "stalled"):
            await take(url, 3)
            camera.kick() if problem == "kicked" else camera.stall()
        error = await ending
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    text = "".join(shown.format()) + repr(error) + caplog.text + "".join(capfd.readouterr())
    assert "***" in text
    assert "nite-word" not in text
    assert (error.__cause__, error.__context__) == (None, None)


async def test_pictures_that_never_can_be_decoded_are_a_loss(film: Film) -> None:
    clip = read_clip(film(9))
    no_key = [CodedPicture([clip.sps, clip.pps], 0), *clip.pictures[1:]]
    async with VirtualCamera({"gate": Clip(no_key, clip.rate)}) as camera:
        error = await lost(camera.url("gate"), Limits(picture=0.5))
    assert isinstance(error, Transient)
    assert "no picture" in str(error)


async def test_a_reader_that_goes_leaves_neither_thread_nor_socket(
    film: Film, eventually: Eventually
) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with VirtualCamera({"gate": read_clip(film(5))}) as camera:
        before = open_files()
        for _ in range(3):
            await take(camera.url("gate"), 2)
        await eventually(lambda: camera.clients == 0 and open_files() == before)


@pytest.mark.parametrize("fault", [VirtualCamera.mute, VirtualCamera.stall])
async def test_a_reader_is_cancelled_while_the_camera_says_nothing(
    film: Film, eventually: Eventually, fault: Callable[[VirtualCamera], None]
) -> None:
    async with VirtualCamera({"gate": read_clip(film(5))}) as camera:
        fault(camera)
        reading = asyncio.create_task(lost(camera.url("gate"), BRIEF))
        await eventually(lambda: camera.clients == 1)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        assert reading.cancelled()


async def test_a_camera_that_comes_back_is_connected_again(film: Film) -> None:
    told: list[StateChange] = []
    soon = Backoff(first=0.01, most=0.01)
    async with VirtualCamera({"gate": read_clip(film(30))}) as camera:
        source = RtspCamera(camera.url("gate"), GATE)
        async with aclosing(supervised(source, backoff=soon, on_state=told.append)) as frames:
            seen = [await anext(frames)]
            camera.kick()
            while told[-1].state is not State.LIVE or len(told) < 5:
                seen.append(await anext(frames))
    assert all(after.media_time > before.media_time for before, after in pairwise(seen))
    assert [number_of(frame.paint()) for frame in seen] == [frame.seq for frame in seen]
    states = [change.state for change in told]
    assert states[:3] == [State.CONNECTING, State.LIVE, State.WAITING]
    assert states[-2:] == [State.CONNECTING, State.LIVE]


async def test_a_camera_that_was_away_is_connected_as_soon_as_it_is_there(film: Film) -> None:
    told: list[StateChange] = []
    clips = {"gate": read_clip(film(5))}
    async with VirtualCamera(clips) as before:
        url = before.url("gate")
    rarely = Backoff(first=600, most=600)
    frames = supervised(RtspCamera(url, GATE), backoff=rarely, on_state=told.append)
    reading = asyncio.ensure_future(anext(frames))
    while Cause.UNREACHABLE not in [change.cause for change in told]:  # noqa: ASYNC110 - told by a list
        await asyncio.sleep(0.01)
    async with VirtualCamera(clips, port=url.port):
        await asyncio.wait_for(reading, 15)
        await frames.aclose()


async def test_a_wrong_password_heals_when_the_camera_takes_it(film: Film) -> None:
    told: list[StateChange] = []
    clips = {"gate": read_clip(film(5))}
    soon = Backoff(first=0.05, most=0.05)
    async with VirtualCamera(clips, login=Credentials("gate", "another")) as before:
        url = before.url("gate")
        url = CameraUrl(url.scheme, url.host, url.port, url.path, "gate", "nite-word")
        frames = supervised(
            RtspCamera(url, GATE), backoff=soon, on_state=told.append, gives_up=False
        )
        reading = asyncio.ensure_future(anext(frames))
        while sum(change.cause is Cause.UNAUTHORIZED for change in told) < 2:  # noqa: ASYNC110 - told by a list
            await asyncio.sleep(0.01)
    async with VirtualCamera(clips, login=Credentials("gate", "nite-word"), port=url.port):
        await asyncio.wait_for(reading, 15)
        await frames.aclose()
    assert "nite-word" not in repr(told)
