"""A camera that connects by itself: whoever publishes to it, by WHIP (RFC 9725), is its source."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from aiortc.mediastreams import MediaStreamError

from ingest.access_units import Need
from ingest.decode import Painter
from ingest.opening import PATIENCE, Limits
from ingest.options import DEFAULTS, CameraOptions
from ingest.pace import Pace
from ingest.passing import Passing
from ingest.tee import Tap, Tee
from ingest.webrtc.ice import Ice
from ingest.webrtc.session import Occupied, Publication
from ingest.webrtc.visitor import Visitor
from pipeline.errors import Transient
from pipeline.mailbox import Mailbox, Turn
from pipeline.messages import CameraId, Capture

if TYPE_CHECKING:
    from av import VideoFrame


class PublishedCamera:
    """A camera to which one peer at a time publishes; each ``frames`` is one such peer.

    It belongs to the event loop in which it is made. ``turn`` is waited for before the newest
    picture is taken. ``on_thread`` is called on each connection's decoding thread, before anything
    else. ``tee`` is given every picture. ``told`` says its options as they are now.
    """

    def __init__(
        self,
        camera: CameraId,
        limits: Limits = PATIENCE,
        turn: Turn = nullcontext,
        on_thread: Callable[[], None] = lambda: None,
        tee: Tee | None = None,
        told: Callable[[], CameraOptions] = lambda: DEFAULTS,
    ) -> None:
        self._camera = camera
        self._limits = limits
        self._turn = turn
        self._on_thread = on_thread
        self._tee = Tee() if tee is None else tee
        self._told = told
        self._visitor: Visitor | None = None
        self._arrived = asyncio.Event()

    async def publish(self, offer: str, ice: Ice) -> Publication:
        """Take somebody in; from now on ``frames`` waits for their pictures.

        Raises:
            BadInput: the offer cannot be gone along with.
            Occupied: somebody publishes already.
        """
        if self._visitor is not None:
            raise Occupied("somebody publishes to this camera already: one at a time")
        visitor = self._visitor = Visitor(ice, self._tee.clock, self._on_thread)
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
        try:
            codec = await visitor.began(self._limits.picture)
            passing = Passing(b"") if codec == "H264" else None
            told = codec.replace("H26", "H.26")
            with self._tee.connection(told, passing, "webrtc", visitor.request_key) as tap:
                visitor.listen(tap, captures.close)
                async with _running(self._pump(visitor, captures, tap)):
                    async for capture in captures:
                        yield capture
                        del capture  # while the next one is waited for, this one must not be held
        finally:
            await self._let_go(visitor)

    async def close(self) -> None:
        """Let whoever publishes go; nobody may publish afterwards."""
        if self._visitor is not None:
            await self._let_go(self._visitor)

    async def _let_go(self, visitor: Visitor) -> None:
        try:
            await visitor.close()
        finally:
            if self._visitor is visitor:
                self._visitor = None
                self._arrived.clear()

    async def _pump(self, visitor: Visitor, captures: Mailbox[Capture], tap: Tap) -> None:
        """From aiortc's own queue, which has no bound, as fast as it is filled."""
        painter, media_time, patience = Painter(self._tee.masking), -1, self._limits.silence
        pace, numbers = Pace(), count()
        while True:
            try:
                async with asyncio.timeout(patience):
                    picture: VideoFrame = await visitor.track.recv()  # type: ignore[assignment]
            except TimeoutError:
                captures.close(Transient(f"no picture from the publisher for {patience:g} s"))
                return
            except MediaStreamError:
                captures.close(Transient("the publisher has gone"))
                return
            arrival = visitor.arrival(picture.pts)
            media_time = max(media_time + 1, arrival.media_time)
            tap.decoded(picture, media_time)
            need = Need.KEY if picture.key_frame else Need.REFERENCE
            if pace.wants(need, arrival.at, self._told().analysed):
                paint = partial(painter.image, picture)
                seq = next(numbers)
                captures.put(Capture(self._camera, seq, media_time, arrival.at, None, paint))
                del paint
            del picture


@asynccontextmanager
async def _running(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """A task beside, for as long as that."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
