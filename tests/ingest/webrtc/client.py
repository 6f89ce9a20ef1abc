"""A peer that publishes, by aiortc, in the test's own process: the other side of ours."""

import asyncio
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription, VideoStreamTrack
from av import VideoFrame

from ingest.webrtc.peer import _offer_loopback
from pipeline.messages import Image

RATE = 25
"""Pictures a second."""


def grey(level: int, width: int = 320, height: int = 240) -> Image:
    return np.full((height, width, 3), level, np.uint8)


class Film(VideoStreamTrack):
    """Picture after picture, each as ``paint`` makes it; ``leap`` is added to later ones' pts."""

    def __init__(self, paint: Callable[[int], Image] = lambda number: grey(number % 200)) -> None:
        super().__init__()
        self.paint = paint
        self.number = 0
        self.leap = 0
        self.flows = asyncio.Event()
        self.flows.set()

    async def recv(self) -> VideoFrame:
        await self.flows.wait()
        await asyncio.sleep(1 / RATE)
        frame = VideoFrame.from_ndarray(self.paint(self.number), format="bgr24")
        frame.pts = self.number * 90_000 // RATE + self.leap
        frame.time_base = Fraction(1, 90_000)
        self.number += 1
        return frame


class Publisher:
    """Offers a film, and sends it once it is answered."""

    def __init__(self, film: Film | None = None, codec: str = "video/VP8") -> None:
        self.film = film or Film()
        self._peer = RTCPeerConnection()
        transceiver = self._peer.addTransceiver(self.film, "sendonly")
        codecs = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences(
            [one for one in codecs if one.mimeType in {codec, "video/rtx"}]
        )

    async def offer(self) -> str:
        _offer_loopback(self._peer)
        await self._peer.setLocalDescription(await self._peer.createOffer())
        return self._peer.localDescription.sdp

    async def take(self, answer: str) -> None:
        await self._peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    @property
    def state(self) -> str:
        return self._peer.connectionState

    async def close(self) -> None:
        self.film.stop()
        await self._peer.close()
