import asyncio
import struct
import threading
from collections.abc import Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from ingest.replay import Replay
from pipeline.errors import BadInput
from pipeline.messages import CameraId, Capture
from tests.films import number_of

GATE = CameraId("gate")
Film = Callable[..., Path]


async def frames_of(path: Path, *, loop: bool = False, most: int = 1000) -> list[Capture]:
    seen = []
    async with aclosing(Replay(path, GATE, loop=loop).frames()) as frames:
        async for frame in frames:
            seen.append(frame)
            if len(seen) == most:
                break
    return seen


async def refused(path: Path) -> tuple[list[Capture], str]:
    """The frames that were given, and what was said then."""
    seen = []
    with pytest.raises(BadInput) as caught:  # noqa: PT012 - what comes before it counts too
        async for frame in Replay(path, GATE).frames():
            seen.append(frame)  # noqa: PERF401 - it ends by an error
    assert str(path) in str(caught.value)
    return seen, str(caught.value)


async def test_every_picture_is_given_once_and_in_order(film: Film) -> None:
    frames = await frames_of(film(60))
    assert [number_of(frame.paint()) for frame in frames] == list(range(60))
    assert [frame.seq for frame in frames] == list(range(60))
    assert [frame.captured_at for frame in frames] == pytest.approx([n / 25 for n in range(60)])
    assert [frame.media_time for frame in frames] == [n * 3600 for n in range(60)]
    assert {(frame.camera, frame.rtp_timestamp) for frame in frames} == {(GATE, None)}


async def test_images_are_contiguous_bgr(tmp_path: Path) -> None:
    path = tmp_path / "blue.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 100, 50, "yuv420p"
        blue = np.full((50, 100, 3), (255, 0, 0), np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(blue, format="bgr24")))
        container.mux(stream.encode(None))
    (frame,) = await frames_of(path)
    assert frame.paint().shape == (50, 100, 3)
    assert frame.paint().dtype == np.uint8
    assert frame.paint().flags.c_contiguous
    assert np.abs(frame.paint().mean((0, 1)) - (255, 0, 0)).max() < 8


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("b-frames.mp4", "libx264", {"bf": "3"}),
        ("film.mkv", "libx264", {}),
        ("film.ts", "libx264", {"bf": "2"}),
        ("film.h264", "libx264", {}),
        ("film.avi", "mjpeg", {}),
        ("two: the second %d.mp4", "libx264", {}),
    ],
)
async def test_other_files_are_read_alike(
    film: Film, name: str, codec: str, options: dict[str, str]
) -> None:
    frames = await frames_of(film(40, name, codec, **options))
    assert [number_of(frame.paint()) for frame in frames] == list(range(40))
    steps = [after.captured_at - before.captured_at for before, after in pairwise(frames)]
    assert steps == pytest.approx([0.04] * 39, abs=1e-3)


async def test_a_film_that_was_held_upright_is_shown_upright(film: Film) -> None:
    path = film(3)
    content = path.read_bytes()
    matrix = content.index(b"tkhd") + 44  # ISO 14496-12, 8.3.2: version 0
    quarter_clockwise = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    as_coded = (await frames_of(path))[2].paint()
    path.write_bytes(content[:matrix] + quarter_clockwise + content[matrix + 36 :])
    turned = (await frames_of(path))[2].paint()
    assert turned.flags.c_contiguous
    assert np.array_equal(turned, np.rot90(as_coded, -1))


async def test_a_loop_goes_on_growing(film: Film) -> None:
    frames = await frames_of(film(10, "film.ts"), loop=True, most=35)
    assert [number_of(frame.paint()) for frame in frames] == [n % 10 for n in range(35)]
    assert [frame.seq for frame in frames] == list(range(35))
    steps = [after.captured_at - before.captured_at for before, after in pairwise(frames)]
    assert steps == pytest.approx([0.04] * 34, abs=1e-3)


async def test_in_real_time_it_takes_as_long_as_the_film(film: Film) -> None:
    clock = asyncio.get_running_loop().time
    began = clock()
    frames = [frame async for frame in Replay(film(10), GATE, realtime=True).frames()]
    assert number_of(frames[-1].paint()) == 9
    assert clock() - began >= 9 / 25  # the last picture is due then, on a slow machine later


async def test_in_real_time_a_slow_reader_gets_the_newest(
    film: Film, decoding_threads: Callable[[], list[threading.Thread]]
) -> None:
    frames = Replay(film(20), GATE, realtime=True).frames()
    seen = [await anext(frames)]
    (thread,) = decoding_threads()
    await asyncio.to_thread(thread.join)
    seen += [frame async for frame in frames]
    assert [frame.seq for frame in seen] == [0, 19]
    assert [number_of(frame.paint()) for frame in seen] == [0, 19]


async def test_a_reader_that_goes_leaves_no_thread(
    film: Film, decoding_threads: Callable[[], list[threading.Thread]]
) -> None:
    path = film(60)
    for realtime in (False, True):
        async with aclosing(Replay(path, GATE, realtime=realtime, loop=True).frames()) as frames:
            await anext(frames)
            assert len(decoding_threads()) == 1
        assert decoding_threads() == []


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.avi"])
async def test_of_a_cut_file_the_beginning_is_given_and_then_it_is_said(
    film: Film, name: str
) -> None:
    path = film(200, name)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    frames, said = await refused(path)
    assert 100 <= len(frames) < 140
    assert [number_of(frame.paint()) for frame in frames] == list(range(len(frames)))
    assert "cut off" in said


async def test_a_damaged_picture_is_counted(film: Film) -> None:
    path = film(40, "film.mkv")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    frames, said = await refused(path)
    assert frames
    assert "damaged" in said or "cut off" in said


async def test_what_cannot_be_read_is_refused_by_its_path(tmp_path: Path) -> None:
    assert await refused(tmp_path / "missing.mp4")
    assert await refused(tmp_path)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert await refused(empty)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("letter.mp4", b"Dear camera, " * 100),
        ("art.txt", b"\x1b[31mred" * 100),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1,\nfilm.mp4\n"),
        ("list.ffconcat", b"ffconcat version 1.0\nfile film.mp4\n"),
        ("camera.sdp", b"v=0\r\ns=x\r\nm=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"),
    ],
)
async def test_what_is_no_video_is_refused_with_what_is_allowed(
    film: Film, tmp_path: Path, name: str, content: bytes
) -> None:
    film(5)
    path = tmp_path / name
    path.write_bytes(content)
    frames, said = await refused(path)
    assert frames == []
    assert "MP4" in said


async def test_music_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "music.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        silence = np.zeros((1, 1024), np.float32)
        sound = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        sound.rate, sound.pts = 44100, 0
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    _, said = await refused(path)
    assert "no video" in said
