"""One peer that publishes, from its offer to its end."""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from aiortc import RTCRtpReceiver

from ingest.media_clock import TICKS, MediaClock
from ingest.webrtc.bitrate import hinted
from ingest.webrtc.ice import Ice
from ingest.webrtc.peer import answered, new_peer
from ingest.webrtc.undecoded import bound, is_key
from pipeline.errors import Transient

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack, RTCRtpCodecCapability, RTCRtpCodecParameters
    from aiortc.jitterbuffer import JitterFrame

    from ingest.tee import Tap

_GONE = frozenset({"failed", "closed"})
"""States of a connection that no pictures pass any more."""
_CODECS = ("video/H264", "video/VP8", "video/rtx")
"""The first that the other side has is used: H.264 is decoded in 1.2 ms at 720p, VP8 in 2.0, and
viewers can be given it as it is."""
_KEY_EVERY = 4 * TICKS
"""Browsers send a key picture only when they are asked for one; who begins to view waits for it."""
_MOST = 64
"""Pictures of which it is remembered when they came: more than wait to be decoded."""


class Arrival(NamedTuple):
    """When a coded picture came: its place in the video, and Unix time."""

    media_time: int
    at: float


class Visitor:
    """One peer that publishes.

    Args:
        clock: the camera's.
        on_thread: called on the thread that decodes, before anything else.
    """

    def __init__(self, ice: Ice, clock: MediaClock, on_thread: Callable[[], None]) -> None:
        self.session = str(uuid.uuid4())
        self.codec = ""
        self._clock = clock
        self._peer = new_peer(ice)
        transceiver = self._peer.addTransceiver("video", "recvonly")
        transceiver.setCodecPreferences(_preferred())
        self._receiver = transceiver.receiver
        self._undecoded = bound(self._receiver, self._came, on_thread)
        self._peer.on("connectionstatechange", self._changed)
        self._arrivals: dict[int, Arrival] = {}
        self._early: list[tuple[bytes, int, bool]] = []
        self._tap: Tap | None = None
        self._key_at = 0
        self._began = asyncio.Event()
        self._gone = ""
        self._on_gone: Callable[[Transient], None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def track(self) -> "MediaStreamTrack":
        """The decoded pictures; there once its offer is answered."""
        return self._receiver.track

    async def answered(self, offer: str) -> str:
        """The answer to its offer.

        Raises:
            BadInput: it cannot be gone along with.
        """
        return hinted(await answered(self._peer, offer))

    async def began(self, patience: float) -> str:
        """The codec of its first picture, which may take so many seconds.

        Raises:
            Transient: none came.
        """
        try:
            async with asyncio.timeout(patience):
                await self._began.wait()
        except TimeoutError:
            raise Transient(f"no picture from the publisher for {patience:g} s") from None
        if self._gone:
            raise Transient(self._gone)
        return self.codec

    def listen(self, tap: "Tap", on_gone: Callable[[Transient], None]) -> None:
        """Tell of coded pictures from the first one on, and of its end."""
        self._tap, self._on_gone = tap, on_gone
        for unit, media_time, key in self._early:
            tap.coded(unit, media_time, key=key)
        self._early.clear()
        if self._gone:
            on_gone(Transient(self._gone))

    def arrival(self, pts: int | None) -> Arrival:
        """When the coded picture of this decoded one came."""
        known = self._arrivals.pop(-1 if pts is None else pts, None)
        now = time.time()
        return known or Arrival(self._clock.at(None, now), now)

    def request_key(self) -> None:
        """Ask it for a key picture (PLI, RFC 4585, 6.3.1)."""
        self._undecoded.ask()

    def leave(self, reason: str) -> None:
        """It goes."""
        self._gone = self._gone or reason
        self._began.set()
        if self._on_gone is not None:
            self._on_gone(Transient(self._gone))

    async def close(self) -> None:
        """Return when sockets and threads are gone; whoever is cancelled meanwhile, it goes on."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._peer.close())
        await asyncio.shield(self._closing)

    def _came(self, codec: "RTCRtpCodecParameters", picture: "JitterFrame") -> None:
        """A coded picture is about to be decoded."""
        if not self._began.is_set():
            self.codec = codec.name
            self._clock.begin()
            self._began.set()
        elif codec.name != self.codec:
            self.leave(f"the publisher went from {self.codec} to {codec.name}")
            return
        now = time.time()
        media_time = self._clock.at(picture.timestamp, now)
        self._arrivals[picture.timestamp] = Arrival(media_time, now)
        if len(self._arrivals) > _MOST:
            del self._arrivals[next(iter(self._arrivals))]
        if codec.name == "H264":
            self._pass_on(picture.data, media_time, key=is_key(codec, picture))

    def _pass_on(self, unit: bytes, media_time: int, *, key: bool) -> None:
        if key or media_time - self._key_at > _KEY_EVERY:
            self._key_at = media_time
            if not key:
                self.request_key()
        if self._tap is None:
            self._early.append((unit, media_time, key))
        else:
            self._tap.coded(unit, media_time, key=key)

    def _changed(self) -> None:
        if self._peer.connectionState in _GONE:
            self.leave("the publisher has gone, or never connected")


def _preferred() -> "list[RTCRtpCodecCapability]":
    """What may be sent, with retransmission."""
    known = RTCRtpReceiver.getCapabilities("video")
    return sorted(known.codecs if known else [], key=lambda codec: _CODECS.index(codec.mimeType))
