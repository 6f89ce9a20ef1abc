"""What live video costs: a viewer beside aiortc alone, and recognition beside viewers.

    python -m tests.bench.live [--part viewers|recognition] [--viewers 10] [--seconds 10]
        [--rounds 3] [--cameras 4] [--pack builtin]

First so many viewers of one camera, 1280x720 at 25 pictures a second: what the process of playback
takes for each, beside a program that does nothing but hand the same pictures to aiortc. Then a
running service, without and with viewers. What is compared takes turns, round by round, and what
counts is processor time: so a machine that others use, too, says nearly the same. The viewers are
a program of their own, which decodes nothing and is in no figure, though it runs on the same cores.
It wants FACEAPI_TEST_DATA.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from multiprocessing.connection import Connection
from typing import Any

import av
import httpx
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket

from api.live.coded import Coded
from api.playback.feed import Picture as CodedPicture
from api.playback.process import PlaybackProcess
from api.playback.sessions import h264
from ingest.webrtc.ice import Ice
from ingest.webrtc.peer import _offer_loopback, answered, new_peer
from pipeline.messages import CameraId
from tests.bench.cameras import delays
from tests.bench.inputs import console, test_data
from tests.bench.loaded import Load, loaded
from tests.bench.processes import cpu_seconds
from tests.bench.service import quantile

_CLIP = "head-pose-face-detection-male"
_RATE, _SIZE, _BITS, _GROUP = 25, (1280, 720), 4_000_000, 50
"""Of the video: pictures a second, pixels, bits a second, pictures from key to key."""
_WARM = 3.0
"""Seconds after the last viewer connected that are not measured."""
_CAMERA = CameraId("camera")
_LOOPBACK = Ice(loopback=True)
_FRESH = multiprocessing.get_context("spawn")


def units() -> Sequence[Coded]:
    """Ten seconds of H.264, as a camera would send it."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = _SIZE
    codec.pix_fmt, codec.framerate = "yuv420p", Fraction(_RATE)
    codec.time_base = Fraction(1, _RATE)
    codec.bit_rate, codec.profile = _BITS, "High"
    fixed = f"keyint={_GROUP}:min-keyint={_GROUP}:scenecut=0"
    codec.options = {"tune": "zerolatency", "preset": "veryfast", "x264-params": fixed}
    made: list[Coded] = []
    with av.open(str(test_data() / "clips" / f"{_CLIP}.mp4")) as clip:
        for number, frame in enumerate(clip.decode(video=0)):
            image = frame.reformat(*_SIZE, "yuv420p")
            image.pts, image.time_base = number, codec.time_base
            image.pict_type = av.video.frame.PictureType.NONE
            for packet in codec.encode(image):
                data = bytes(packet)
                made.append(Coded(_CAMERA, 0, packet.is_keyframe, encoded=False, data=data))
            if len(made) == 10 * _RATE:
                break
    return made


async def camera(made: Sequence[Coded]) -> AsyncGenerator[Coded, None]:
    """These pictures at their pace, again and again."""
    began, base = time.monotonic(), int(time.time() * 90_000)
    for number in range(1 << 30):
        await asyncio.sleep(max(0.0, began + number / _RATE - time.monotonic()))
        one = made[number % len(made)]
        yield Coded(_CAMERA, base + number * 90_000 // _RATE, one.key, one.encoded, one.data)


class _Camera:
    """What playback asks of the cameras."""

    def __init__(self, made: Sequence[Coded]) -> None:
        self._made = made

    def coded(self, _: CameraId) -> AsyncGenerator[Coded, None]:
        return camera(self._made)

    def request_key(self, camera: CameraId) -> None:
        """It sends key pictures when it likes."""


# Who looks


class Viewers:
    """A program with so many viewers; what they receive is counted and thrown away."""

    def __init__(self, orders: Connection) -> None:
        self._orders = orders

    async def ask(self, order: Any) -> Any:  # noqa: ANN401 - offers, answers, counts
        """Send an order; what comes back."""
        self._orders.send(order)
        return await asyncio.to_thread(self._orders.recv)


@contextmanager
def viewers(count: int) -> Iterator[Viewers]:
    """So many, not connected yet."""
    ours, theirs = _FRESH.Pipe()
    process = _FRESH.Process(target=_look, args=(theirs, count), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Viewers(ours)
    finally:
        ours.send(None)
        process.join()


def _look(orders: Connection, count: int) -> None:
    asyncio.run(_looking(orders, count))


async def _looking(orders: Connection, count: int) -> None:
    peers = [_viewer() for _ in range(count)]
    received = [0] * count
    for number, peer in enumerate(peers):
        _count_packets(peer, received, number)
    while (order := await asyncio.to_thread(orders.recv)) is not None:
        if order == "offers":
            for peer in peers:
                await peer.setLocalDescription(await peer.createOffer())
            orders.send([peer.localDescription.sdp for peer in peers])
        elif order == "counts":
            orders.send(list(received))
        else:
            for peer, answer in zip(peers, order, strict=True):
                await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
            while not all(received):  # noqa: ASYNC110 - counted in many places
                await asyncio.sleep(0.01)
            orders.send("connected")
    for peer in peers:
        await peer.close()


def _viewer() -> RTCPeerConnection:
    peer = new_peer(_LOOPBACK)
    peer.addTransceiver("video", "recvonly")
    _offer_loopback(peer)
    return peer


def _count_packets(peer: RTCPeerConnection, received: list[int], number: int) -> None:
    async def count(_: RtpPacket, arrival_time_ms: int) -> None:  # noqa: ARG001 - aiortc's
        received[number] += 1

    (receiver,) = peer.getReceivers()
    receiver._handle_rtp_packet = count  # type: ignore[assignment,method-assign]


# aiortc alone


class _Track(MediaStreamTrack):
    """Pictures as they come, and nothing more."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.packets: asyncio.Queue[av.Packet[Any]] = asyncio.Queue()

    async def recv(self) -> "av.Packet[Any]":
        return await self.packets.get()


async def _send_alone(orders: Connection) -> None:
    """Answer offers, send; at the next order say how many seconds of processor time that took."""
    offers, made = await asyncio.to_thread(orders.recv)
    tracks, peers, answers = [_Track() for _ in offers], [], []
    for offer, track in zip(offers, tracks, strict=True):
        peer = new_peer(_LOOPBACK)
        peer.addTransceiver(track, "sendonly").setCodecPreferences(h264())
        answers.append(await answered(peer, offer))
        peers.append(peer)
    orders.send(answers)
    sending = asyncio.create_task(_feed(tracks, made))
    while await asyncio.to_thread(orders.recv) is not None:
        orders.send(time.process_time())
    sending.cancel()
    for peer in peers:
        await peer.close()


async def _feed(tracks: Sequence[_Track], made: Sequence[Coded]) -> None:
    async for unit in camera(made):
        packet = CodedPicture.of(unit).packet
        for track in tracks:
            track.packets.put_nowait(packet)


def _alone(orders: Connection) -> None:
    asyncio.run(_send_alone(orders))


async def alone(made: Sequence[Coded], count: int, seconds: float) -> float:
    """Processor seconds a second that aiortc takes for so many viewers."""
    ours, theirs = _FRESH.Pipe()
    process = _FRESH.Process(target=_alone, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    with viewers(count) as looking:
        ours.send((await looking.ask("offers"), made))
        await looking.ask(await asyncio.to_thread(ours.recv))
        sender = Viewers(ours)
        await asyncio.sleep(_WARM)
        began, before = time.monotonic(), await sender.ask("time")
        await asyncio.sleep(seconds)
        used = (await sender.ask("time") - before) / (time.monotonic() - began)
        ours.send(None)
        process.join()
    return float(used)


# Playback


async def ours(made: Sequence[Coded], count: int, seconds: float) -> tuple[float, float, int]:
    """Processor seconds a second of playback, the longest lag of its loop in ms, and drops."""
    lags: list[float] = []
    async with asyncio.TaskGroup() as group:
        playback = PlaybackProcess(
            group,
            _Camera(made),
            lambda: _LOOPBACK,
            count,
            "warning",
            lags.extend,
        )
        running = group.create_task(playback.run())
        await playback.settled.wait()
        with viewers(count) as looking:
            offers = await looking.ask("offers")
            sessions = [await playback.watch(_CAMERA, offer) for offer in offers]
            await looking.ask([session.answer for session in sessions])
            await asyncio.sleep(_WARM)
            assert playback.pid is not None
            lags.clear()
            began, before = time.monotonic(), cpu_seconds(playback.pid)
            await asyncio.sleep(seconds)
            used = (cpu_seconds(playback.pid) - before) / (time.monotonic() - began)
            dropped = playback.vitals.dropped if playback.vitals else 0
            for session in sessions:
                await playback.end(session.session)
        running.cancel()
    lags.sort()
    return used, 1000 * lags[int(0.99 * len(lags))], dropped


async def measure_viewers(count: int, seconds: float, rounds: int) -> None:
    """Print what a viewer takes, beside what aiortc takes."""
    made, ratios = units(), list[float]()
    for _ in range(rounds):
        base = await alone(made, count, seconds)
        used, lag, dropped = await ours(made, count, seconds)
        ratios.append(used / base)
        console.print(
            f"{100 * used / count:.2f} % of a core a viewer, aiortc alone "
            f"{100 * base / count:.2f} %: {ratios[-1]:.2f} times; loop lag p99 {lag:.0f} ms, "
            f"{dropped} pictures dropped"
        )
    console.print(
        f"{count} viewers of 1280x720 at {_RATE}/s: {statistics.median(ratios):.2f} times aiortc",
        style="bold",
    )


# A service


async def measure_recognition(
    pack: str, cameras: int, count: int, seconds: float, rounds: int
) -> None:
    """Print what a service recognizes without viewers and with them."""
    changes: list[float] = []
    async with loaded(pack, cameras) as load:
        await load.settled()
        for _ in range(rounds):
            without, text = await _recognized(load, seconds)
            console.print(f"{cameras} cameras: {without:.1f} frames/s, {text}")
            with viewers(count) as looking:
                await _connect(load, looking)
                await asyncio.sleep(_WARM)
                sent, began = await looking.ask("counts"), time.monotonic()
                beside, text = await _recognized(load, seconds)
                took = time.monotonic() - began
                packets = (sum(await looking.ask("counts")) - sum(sent)) / took
            console.print(
                f"{count} viewers ({packets:.0f} packets/s): {beside:.1f} frames/s, {text}"
            )
            changes.append(100 * (beside / without - 1))
    console.print(
        f"{count} viewers of one camera: {statistics.median(changes):+.1f} % frames a second",
        style="bold",
    )


async def _recognized(load: Load, seconds: float) -> tuple[float, str]:
    """Frames a second, and in words how late."""
    async with httpx.AsyncClient(base_url=load.service.url) as client:
        before = (await client.get("/metrics")).text
        arrivals = await load.during(seconds)
        after = (await client.get("/metrics")).text
    lag = quantile(before, after, "faceapi_loop_lag_seconds", 0.99)
    said = f"delay p50/p95/max {delays(arrivals)}, loop lag p99 of all processes <= {lag:.0f} ms"
    return len(arrivals) / seconds, said


async def _connect(load: Load, looking: Viewers) -> None:
    """All viewers to the first camera."""
    offers = await looking.ask("offers")
    with load.service.client() as client:
        path = f"/cameras/{client.get('/cameras').json()['items'][0]['id']}/whep"
        answers = []
        for offer in offers:
            headers = {"Content-Type": "application/sdp"}
            answer = await asyncio.to_thread(client.post, path, content=offer, headers=headers)
            answer.raise_for_status()
            answers.append(answer.text)
    await looking.ask(answers)


def main() -> None:
    """Read the arguments, measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=("viewers", "recognition"), help="that alone")
    parser.add_argument("--pack", default="builtin", help="a name, a manifest, or yunet")
    args = parser.parse_args()
    count, seconds, rounds = args.viewers, args.seconds, args.rounds
    if args.part != "recognition":
        asyncio.run(measure_viewers(count, seconds, rounds))
    if args.part != "viewers":
        asyncio.run(measure_recognition(args.pack, args.cameras, count, seconds, rounds))


if __name__ == "__main__":
    main()
