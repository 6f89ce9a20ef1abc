"""Video as cameras send it, and a viewer that is aiortc itself, over 127.0.0.1."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction

import av
import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtpPacket

from api.live.coded import Coded
from ingest.webrtc.ice import Ice
from ingest.webrtc.peer import Peer, _offer_loopback, new_peer

LOOPBACK = Ice(loopback=True)
START = 1_700_000_000 * 90_000
"""Media time of a camera that connected on a day in November."""
STEP = 7200
"""Ticks between two pictures at 12.5 a second."""


def video(
    count: int, group: int = 10, size: tuple[int, int] = (320, 240), profile: str = "High"
) -> Sequence[tuple[bool, bytes]]:
    """Access units in Annex B with whether each is a key picture: grey, brighter each time."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height = size
    codec.pix_fmt, codec.time_base = "yuv420p", Fraction(1, 25)
    codec.profile = profile
    codec.options = {"tune": "zerolatency", "preset": "ultrafast", "x264-params": f"keyint={group}"}
    units = []
    for number in range(count):
        image = np.full((size[1], size[0], 3), number * 5 % 256, np.uint8)
        frame = av.VideoFrame.from_ndarray(image, "bgr24")
        frame.pts = number
        units += [(packet.is_keyframe, bytes(packet)) for packet in codec.encode(frame)]
    assert len(units) == count
    return units


def coded(camera: str, count: int, start: int = START, group: int = 10) -> Iterator[Coded]:
    """A camera's first so many pictures."""
    for number, (key, data) in enumerate(video(count, group)):
        yield Coded(camera, start + number * STEP, key, False, data)


@asynccontextmanager
async def a_viewer() -> AsyncIterator[tuple[Peer, str]]:
    """Somebody who wants to see video, and their offer."""
    peer = new_peer(LOOPBACK)
    try:
        peer.addTransceiver("video", "recvonly")
        _offer_loopback(peer)
        await peer.setLocalDescription(await peer.createOffer())
        yield peer, peer.localDescription.sdp
    finally:
        await peer.close()


async def until(condition: Callable[[], bool]) -> None:
    """Return when ``condition`` holds."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)


class Seen:
    """What arrives at a viewer."""

    def __init__(self, peer: RTCPeerConnection) -> None:
        (self.receiver,) = peer.getReceivers()
        self.timestamps: list[int] = []
        """RTP timestamps of the pictures, in the order of their first packets."""
        self._handle = self.receiver._handle_rtp_packet
        self.receiver._handle_rtp_packet = self._note  # type: ignore[method-assign]

    async def _note(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        if self.timestamps[-1:] != [packet.timestamp]:
            self.timestamps.append(packet.timestamp)
        await self._handle(packet, arrival_time_ms)

    async def arrived(self, count: int) -> Sequence[int]:
        """The first so many timestamps."""
        await until(lambda: len(self.timestamps) >= count)
        return self.timestamps[:count]

    async def pictures(self, count: int) -> Sequence[av.VideoFrame]:
        """The next so many pictures, decoded: aiortc keeps the newest one back."""
        async with asyncio.timeout(20):
            frames = [await self.receiver.track.recv() for _ in range(count)]
        assert all(isinstance(frame, av.VideoFrame) for frame in frames)
        return [frame for frame in frames if isinstance(frame, av.VideoFrame)]


async def seen_by(peer: RTCPeerConnection, answer: str) -> Seen:
    """What arrives from now on, once the answer was taken."""
    seen = Seen(peer)
    await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    return seen


def timestamps(units: Iterable[Coded], origin: int) -> Sequence[int]:
    """RTP timestamps of these pictures."""
    return [(origin + unit.media_time) % 2**32 for unit in units]
