"""A camera that connects by itself: whoever publishes to it, by WHIP (RFC 9725), is its source."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, nullcontext
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from aiortc import RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError

from ingest.decode import Painter
from ingest.rtsp import PATIENCE, Limits
from ingest.tee import Tap, Tee
from ingest.webrtc.bitrate import hinted
from ingest.webrtc.ice import Ice
from ingest.webrtc.peer import answered, new_peer
from ingest.webrtc.session import Occupied, Publication
from ingest.webrtc.undecoded import bound
from pipeline.errors import Transient
from pipeline.mailbox import Mailbox, Turn
from pipeline.messages import CameraId, Capture

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack, RTCRtpCodecCapability
    from av import VideoFrame

_GONE = frozenset({"failed", "closed"})
"""States of a connection that no pictures pass any more."""
_CODECS = ("video/H264", "video/VP8")
"""The first one that the other side has is used."""


class PublishedCamera:
    """A camera to which one peer at a time publishes; each ``frames`` is one such peer.

    It belongs to the event loop in which it is made. ``turn`` is waited for before the newest
    picture is taken. ``on_thread`` is called on each connection's decoding thread, before anything
    else. ``tee`` is given every picture.
    """

    def __init__(
        self,
        camera: CameraId,
        limits: Limits = PATIENCE,
        turn: Turn = nullcontext,
        on_thread: Callable[[], None] = lambda: None,
        tee: Tee | None = None,
    ) -> None:
        self._camera = camera
        self._limits = limits
        self._turn = turn
        self._on_thread = on_thread
        self._tee = Tee() if tee is None else tee
        self._visitor: _Visitor | None = None
        self._arrived = asyncio.Event()

    async def publish(self, offer: str, ice: Ice) -> Publication:
        """Take somebody in; from now on ``frames`` waits for their pictures.

        Raises:
            BadInput: the offer cannot be gone along with.
            Occupied: somebody publishes already.
        """
        if self._visitor is not None:
            raise Occupied("somebody publishes to this camera already: one at a time")
        visitor = self._visitor = _Visitor(ice, self._on_thread)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self._let_go, visitor)
            answer = await visitor.answered(offer)
            undo.pop_all()
        self._arrived.set()
        return Publication(visitor.session, answer)

    async def unpublish(self, session: str) -> bool:
        """End a session; returns when its connection is gone, and whether there was one."""
        visitor = self._visitor
        if visitor is None or visitor.session != session:
            return False
        visitor.leave("the publisher ended it")
        await self._let_go(visitor)
        return True

    async def rest(self, seconds: float) -> None:
        """Wait until somebody publishes, however long that takes."""
        del seconds  # nothing is gained by trying meanwhile
        await self._arrived.wait()

    async def frames(self) -> AsyncGenerator[Capture, None]:
        """Yield the newest picture whenever one is fetched, while somebody publishes.

        ``captured_at`` is the moment of arrival, in Unix time; ``rtp_timestamp`` is not known.
        Pictures are upright, and of any size: it may change from one to the next.

        Raises:
            Transient: nobody publishes, or who did is gone or silent.
        """
        visitor = self._visitor
        if visitor is None or not self._arrived.is_set():
            raise Transient("nobody publishes")
        captures = Mailbox[Capture](1, turn=self._turn)  # the newest wins
        visitor.tell(captures)
        with self._tee.connection(None) as tap:
            pump = asyncio.create_task(self._pump(visitor.track, captures, tap))
            try:
                async for capture in captures:
                    yield capture
                    del capture  # while the next one is waited for, this one must not be held
            finally:
                pump.cancel()
                await asyncio.wait([pump])
                await self._let_go(visitor)

    async def close(self) -> None:
        """Let whoever publishes go; nobody may publish afterwards."""
        if self._visitor is not None:
            await self._let_go(self._visitor)

    async def _let_go(self, visitor: "_Visitor") -> None:
        try:
            await visitor.close()
        finally:
            if self._visitor is visitor:
                self._visitor = None
                self._arrived.clear()

    async def _pump(self, track: "MediaStreamTrack", captures: Mailbox[Capture], tap: Tap) -> None:
        """From aiortc's own queue, which has no bound, as fast as it is filled."""
        painter, media_time = Painter(), -1
        for seq in count():
            patience = self._limits.silence if seq else self._limits.picture
            try:
                async with asyncio.timeout(patience):
                    picture: VideoFrame = await track.recv()  # type: ignore[assignment]
            except TimeoutError:
                captures.close(Transient(f"no picture from the publisher for {patience:g} s"))
                return
            except MediaStreamError:
                captures.close(Transient("the publisher has gone"))
                return
            arrived = time.time()
            media_time = max(media_time + 1, self._tee.clock.at(picture.pts, arrived))
            tap.decoded(picture, media_time)
            paint = partial(painter.image, picture)
            captures.put(Capture(self._camera, seq, media_time, arrived, None, paint))
            del picture, paint


class _Visitor:
    """One peer that publishes, from its offer to its end."""

    def __init__(self, ice: Ice, on_thread: Callable[[], None]) -> None:
        self.session = str(uuid.uuid4())
        self._peer = new_peer(ice)
        self._captures: Mailbox[Capture] | None = None
        self._closing: asyncio.Task[None] | None = None
        transceiver = self._peer.addTransceiver("video", "recvonly")
        transceiver.setCodecPreferences(_preferred())
        self._receiver = transceiver.receiver
        bound(self._receiver, on_thread)
        self._peer.on("connectionstatechange", self._changed)

    @property
    def track(self) -> "MediaStreamTrack":
        """What it sends; there once its offer is answered."""
        return self._receiver.track

    async def answered(self, offer: str) -> str:
        """The answer to its offer.

        Raises:
            BadInput: it cannot be gone along with.
        """
        return hinted(await answered(self._peer, offer))

    def tell(self, captures: Mailbox[Capture]) -> None:
        """Close ``captures`` as soon as it has gone."""
        self._captures = captures
        self._changed()

    def leave(self, reason: str) -> None:
        """It goes."""
        if self._captures is not None:
            self._captures.close(Transient(reason))

    async def close(self) -> None:
        """Return when sockets and threads are gone; whoever is cancelled meanwhile, it goes on."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._peer.close())
        await asyncio.shield(self._closing)

    def _changed(self) -> None:
        if self._peer.connectionState in _GONE:
            self.leave("the publisher has gone, or never connected")


def _preferred() -> "list[RTCRtpCodecCapability]":
    """What may be sent, with retransmission."""
    known = RTCRtpReceiver.getCapabilities("video")
    order = [*_CODECS, "video/rtx"]
    return sorted(known.codecs if known else [], key=lambda codec: order.index(codec.mimeType))
