"""A camera's video from gst-rtsp-server through a shard to a viewer in the program."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import av
import pytest
from prometheus_client import CollectorRegistry

from api.live.coded import Coded
from api.live.hub import Hub
from api.live.metrics import CameraMetrics
from api.live.wire import FrameMessage
from api.settings.settings import load_settings
from api.shards.begin import begin_of
from api.shards.engine import ShardedEngine
from api.store.address import Address
from api.store.changes import gallery_named
from api.store.database import Database
from api.store.migrate import migrate
from ingest.decode import Painter
from ingest.fleet import CameraSpec
from ingest.nal_units import H264, START, units_of
from ingest.playable import Playable
from ingest.rtsp import RtspCamera
from ingest.tee import Tee
from pipeline.messages import CameraId, PackId
from tests.fakes import ScriptedGallery
from tests.films import number_of, write_film
from tests.system.gst import GstServer

pytestmark = pytest.mark.system
GATE = CameraId("gate")
COUNT = 50
"""Pictures of the film."""
_NO_PICTURE = {6, 7, 8, 9}
"""Parameter sets and the like, which gst-rtsp-server repeats and drops (H.264 table 7-1)."""


@asynccontextmanager
async def sharded(database: Address, folder: Path, cache: Path) -> AsyncIterator[ShardedEngine]:
    """The program's side of one running shard."""
    own = {
        "FACEAPI_DATA_DIR": str(folder),
        "FACEAPI_CACHE_DIR": str(cache),
        "RTSP_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    settings = load_settings(None, own)
    opened = await Database.open(database)
    await migrate(opened)
    gallery = await gallery_named(opened, "default")
    begin = begin_of(settings, database, gallery, 1, PackId("builtin"))
    await opened.close()
    metrics = CameraMetrics(CollectorRegistry())
    async with asyncio.TaskGroup() as group:
        engine = ShardedEngine(
            group,
            begin,
            "info",
            ScriptedGallery([]),
            dict[str, str]().get,
            metrics,
            Hub(metrics.registry, settings.live),
        )
        engine.begin(1)
        yield engine
        engine.close()
        for task in engine._tasks.values():
            task.cancel()


class Viewer:
    """Keeps what it plays, and the media times of the results."""

    def __init__(self, engine: ShardedEngine) -> None:
        self.played: list[Coded] = []
        self.results: list[int] = []
        self._engine = engine
        self._more = asyncio.Event()

    async def listen(self) -> None:
        async with aclosing(self._engine.subscribe({GATE})) as messages:
            async for told in messages:
                if isinstance(told.message, FrameMessage):
                    self.results.append(told.message.media_time)
                    self._more.set()

    async def play(self) -> None:
        async with aclosing(self._engine.coded(GATE)) as video:
            async for picture in video:
                self.played.append(picture)
                self._more.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self._more.clear()
                await self._more.wait()

    async def both(self, count: int) -> None:
        """So many pictures and as many results more."""
        played, results = len(self.played) + count, len(self.results) + count
        await self.until(lambda: len(self.played) >= played and len(self.results) >= results)


def shown(pictures: Sequence[Coded] | Sequence[Playable]) -> Sequence[int]:
    decoder, painter = av.CodecContext.create("h264", "r"), Painter()
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [one for coded in pictures for one in decoder.decode(av.Packet(coded.data))]
    return [number_of(painter.image(one)) for one in (*frames, *decoder.decode(None))]


def substance(data: bytes) -> Sequence[bytes]:
    return [unit for unit in units_of(data) if H264.type_of(unit) not in _NO_PICTURE]


def film_of(path: Path) -> Sequence[Sequence[bytes]]:
    """The NAL units of each of the film's pictures."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        convert = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        packets = [one for packet in container.demux(stream) for one in convert.filter(packet)]
    split = [bytes(one).replace(START, START[1:]).split(START[1:])[1:] for one in packets]
    return [substance(b"".join(START + unit for unit in units)) for units in split if units]


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("h265.mp4", "libx265", {"x265-params": "keyint=10:log-level=none"}),
        ("mjpeg.avi", "mjpeg", {"huffman": "default"}),
        ("b-frames.mp4", "libx264", {"bf": "2"}),
    ],
)
async def test_what_browsers_cannot_play_is_encoded_picture_by_picture(
    gst_server: Callable[..., GstServer],
    tmp_path: Path,
    name: str,
    codec: str,
    options: dict[str, str],
) -> None:
    server = gst_server(write_film(tmp_path / name, COUNT, codec, **options))
    tee, played, numbers = Tee("gate"), list[Playable](), dict[int, int]()
    source = RtspCamera(server.url, GATE, tee=tee)
    async with asyncio.timeout(60), aclosing(source.frames()) as frames:
        async for frame in frames:
            numbers[frame.media_time] = number_of(frame.paint())
            if len(numbers) == 10:
                tee.play(played.append)
            if len(numbers) > 10 + COUNT and len(played) > COUNT // 2:
                break
    assert played[0].key
    assert {one.encoded for one in played} == {True}
    assert all(after.media_time > one.media_time for one, after in pairwise(played))
    pairs = [
        (numbers[one.media_time], number)
        for one, number in zip(played, shown(played), strict=True)
        if one.media_time in numbers
    ]
    assert len(pairs) > COUNT // 2
    assert [pair for pair in pairs if pair[0] != pair[1]] == []


async def test_a_viewer_gets_the_cameras_own_pictures_which_grow_over_everything_that_breaks(
    gst_server: Callable[..., GstServer], tmp_path: Path, database: Address, cache: Path
) -> None:
    film = write_film(tmp_path / "film.mp4", COUNT)
    server = gst_server(film)
    async with sharded(database, tmp_path, cache) as engine:
        viewer = Viewer(engine)
        await engine.put(CameraSpec(GATE, server.url))
        tasks = [asyncio.create_task(viewer.listen())]
        await viewer.until(lambda: len(viewer.results) > 30)
        before = viewer.results[-1]
        tasks.append(asyncio.create_task(viewer.play()))
        await viewer.both(2 * COUNT)
        first = len(viewer.played)
        server.kill()
        server.start()
        await viewer.both(COUNT)
        second = len(viewer.played)
        (shard,) = engine.statuses()
        assert shard.pid is not None
        os.kill(shard.pid, signal.SIGKILL)
        await viewer.both(COUNT)
        for task in tasks:
            task.cancel()
    played = viewer.played
    assert played[0].key
    assert played[0].media_time <= before, "it begins with what was there before it came"
    assert {one.encoded for one in played} == {False}
    assert all(after.media_time > one.media_time for one, after in pairwise(played))
    assert second - first >= COUNT <= len(played) - second
    numbers, originals = shown(played), film_of(film)
    assert len(numbers) == len(played)
    assert len(originals) == COUNT
    wrong = [
        place
        for place, (one, number) in enumerate(zip(played, numbers, strict=True))
        if substance(one.data) != originals[number]
    ]
    assert wrong == []
    seen = [one for one in viewer.results if one >= played[0].media_time]
    assert len(seen) > 3 * COUNT
    assert set(seen) <= {one.media_time for one in played}
    assert all(after > one for one, after in pairwise(viewer.results))
