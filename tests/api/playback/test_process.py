"""The program's side of playback: its process is real, and so are the viewers."""

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from api.live.coded import Coded
from api.live.engine import Viewing
from api.playback.process import PlaybackProcess
from pipeline.errors import BadInput, Transient
from pipeline.messages import CameraId
from tests.api.playback.viewers import (
    LOOPBACK,
    Seen,
    a_viewer,
    coded,
    seen_by,
    timestamps,
    until,
)

GATE = CameraId("gate")


class Cameras:
    """Cameras whose pictures come when the test says so."""

    def __init__(self) -> None:
        self.subscribed: defaultdict[CameraId, int] = defaultdict(int)
        self.asked: list[CameraId] = []
        """Of which a key picture was asked for."""
        self._queues: dict[CameraId, asyncio.Queue[Coded | None]] = {}

    async def coded(self, camera: CameraId) -> AsyncGenerator[Coded, None]:
        self.subscribed[camera] += 1
        queue = self._queues[camera] = asyncio.Queue[Coded | None]()
        try:
            while (picture := await queue.get()) is not None:
                yield picture
        finally:
            del self._queues[camera]

    def request_key(self, camera: CameraId) -> None:
        self.asked.append(camera)

    def show(self, picture: Coded) -> None:
        self._queues[CameraId(picture.camera)].put_nowait(picture)

    def remove(self, camera: CameraId) -> None:
        self._queues[camera].put_nowait(None)

    def is_watched(self, camera: CameraId) -> bool:
        return camera in self._queues


@asynccontextmanager
async def playback(most: int = 5) -> AsyncIterator[tuple[PlaybackProcess, Cameras]]:
    """A process that takes viewers."""
    cameras = Cameras()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        process = PlaybackProcess(
            group,
            cameras,
            lambda: LOOPBACK,
            most,
            "warning",
            lambda _: None,
        )
        running = group.create_task(process.run())
        await until(lambda: not process.trouble)
        yield process, cameras
        for session in list(process._sessions):
            await process.end(session)
        running.cancel()


async def test_a_camera_is_subscribed_once_for_all_its_viewers_and_left_with_the_last() -> None:
    units = list(coded(GATE, 3))
    async with (
        playback() as (process, cameras),
        a_viewer() as (one, offer),
        a_viewer() as (
            two,
            another,
        ),
    ):
        first = await process.watch(GATE, offer)
        seen = await seen_by(one, first.answer)
        await until(lambda: cameras.is_watched(GATE))
        cameras.show(units[0])
        await seen.arrived(1)
        second = await process.watch(GATE, another)
        too = await seen_by(two, second.answer)
        await too.arrived(1)
        for unit in units[1:]:
            cameras.show(unit)
        for session, viewer in ((first, seen), (second, too)):
            assert await viewer.arrived(3) == timestamps(units, await origin(process, session))
        assert cameras.subscribed[GATE] == 1
        await process.end(first.session)
        assert process.viewing(first.session) is None
        assert cameras.is_watched(GATE)
        await process.end(second.session)
        await until(lambda: not cameras.is_watched(GATE))
        assert process.viewers == 0


async def origin(process: PlaybackProcess, viewing: Viewing) -> int:
    def known() -> int | None:
        status = process.viewing(viewing.session)
        return status.rtp_origin if status else None

    await until(lambda: known() is not None)
    return known() or 0


async def test_a_status_says_how_far_a_session_is() -> None:
    async with playback() as (process, cameras), a_viewer() as (peer, offer):
        viewing = await process.watch(GATE, offer)
        before = process.viewing(viewing.session)
        assert before is not None
        assert (before.camera, before.state) == (GATE, "connecting")
        assert (before.rtp_origin, before.encoded, before.caught_up) == (None, None, ())
        await seen_by(peer, viewing.answer)
        for unit in coded(GATE, 1):
            cameras.show(unit)
        await origin(process, viewing)
        after = process.viewing(viewing.session)
        assert after is not None
        assert (after.state, after.encoded) == ("connected", False)


async def test_a_key_picture_is_asked_for_where_a_viewer_lost_pictures() -> None:
    async with playback() as (process, cameras), a_viewer() as (peer, offer):
        viewing = await process.watch(GATE, offer)
        seen = await seen_by(peer, viewing.answer)
        first, second = (msgspec.structs.replace(one, encoded=True) for one in coded(GATE, 2))
        cameras.show(first)
        await seen.arrived(1)
        assert cameras.asked == []
        (ssrc,) = seen.receiver._RTCRtpReceiver__active_ssrc  # type: ignore[attr-defined]
        await seen.receiver._send_rtcp_pli(ssrc)
        while not cameras.asked:  # what is asked for is noticed with the next picture
            cameras.show(second)
            await asyncio.sleep(0.02)
        assert set(cameras.asked) == {GATE}
        assert process.losses == len(cameras.asked)


async def test_one_more_than_may_view_is_refused_until_one_leaves() -> None:
    async with playback(most=1) as (process, _), a_viewer() as (_, offer):
        first = await process.watch(GATE, offer)
        with pytest.raises(Transient, match="1 are viewing, and no more may"):
            await process.watch(GATE, offer)
        assert (process.started, process.refused) == (1, 1)
        await process.end(first.session)
        await process.watch(GATE, offer)


async def test_a_bad_offer_leaves_nothing_behind() -> None:
    async with playback() as (process, cameras):
        with pytest.raises(BadInput, match="no video"):
            await process.watch(GATE, "hello")
        assert process.viewers == 0
        await until(lambda: not cameras.is_watched(GATE))
        assert (process.started, process.refused) == (0, 1)


async def test_a_camera_that_is_removed_ends_its_sessions() -> None:
    async with playback() as (process, cameras), a_viewer() as (peer, offer):
        viewing = await process.watch(GATE, offer)
        seen = await seen_by(peer, viewing.answer)
        for unit in coded(GATE, 1):
            cameras.show(unit)
        await seen.arrived(1)
        cameras.remove(GATE)
        await until(lambda: process.viewing(viewing.session) is None)
        await until(lambda: peer.connectionState == "closed")


async def test_killed_it_returns_and_its_sessions_are_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with playback() as (process, cameras), a_viewer() as (_, offer):
        viewing = await process.watch(GATE, offer)
        pid = process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: process.restarts == 1)
        assert process.viewing(viewing.session) is None
        await until(lambda: not cameras.is_watched(GATE))
        with pytest.raises(Transient, match="SIGKILL"):
            await process.watch(GATE, offer)
        await until(lambda: not process.trouble)
        async with a_viewer() as (peer, another):
            again = await process.watch(GATE, another)
            seen = await seen_by(peer, again.answer)
            for unit in coded(GATE, 1):
                cameras.show(unit)
            await seen.arrived(1)
        assert process.pid != pid
    assert "ended by SIGKILL; it is begun again" in caplog.text


async def test_viewers_who_come_and_go_leave_nothing() -> None:
    """In the process of playback: no file, no thread, hardly any memory."""
    async with playback(most=60) as (process, cameras):
        await come_and_go(process, cameras, 5)
        before = await held(process)
        for _ in range(5):
            await come_and_go(process, cameras, 10)
        after = await held(process)
        assert process.viewers == 0
        assert process.started == 55
        assert after["files"] <= before["files"]
        assert after["threads"] <= before["threads"] + 1
        assert after["memory"] < before["memory"] + (24 << 20)


async def come_and_go(process: PlaybackProcess, cameras: Cameras, count: int) -> None:
    """So many at once; each sees a picture, and stays until all have."""
    units = list(coded(GATE, 2))
    together = asyncio.Barrier(count)

    async def one() -> None:
        async with a_viewer() as (peer, offer):
            viewing = await process.watch(GATE, offer)
            seen: Seen = await seen_by(peer, viewing.answer)
            await seen.arrived(1)
            await together.wait()

    async with asyncio.TaskGroup() as group:
        viewers = [group.create_task(one()) for _ in range(count)]
        await until(lambda: cameras.is_watched(GATE))
        cameras.show(units[0])
        await asyncio.wait(viewers)
    await until(lambda: process.viewers == 0 and not cameras.is_watched(GATE))


async def held(process: PlaybackProcess) -> dict[str, int]:
    """What the process holds, once all peers are closed: sockets are closed a little later."""
    vitals = process.vitals
    await until(lambda: process.vitals is not vitals)
    vitals = process.vitals
    await until(lambda: process.vitals is not vitals)
    assert process.vitals is not None
    proc = Path(f"/proc/{process.pid}")
    return {
        "files": len(list((proc / "fd").iterdir())),
        "threads": len(list((proc / "task").iterdir())),
        "memory": process.vitals.resident_bytes,
    }
