"""The program's side of playback: who may view, what is sent there, and what it says."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from api.live.coded import Coded
from api.live.engine import Viewing, ViewingStatus
from api.playback.messages import (
    FROM_PLAYBACK,
    VERSION,
    Answer,
    Begin,
    End,
    Ended,
    FromPlayback,
    Gone,
    Hello,
    Linked,
    Lost,
    Offer,
    Ready,
    Refused,
    ToPlayback,
    Vitals,
)
from api.processes.child import Child, Kind
from api.processes.child import End as ProcessEnd
from ingest.webrtc.ice import Ice
from pipeline.errors import BadInput, Transient
from pipeline.messages import CameraId

_log = logging.getLogger(__name__)

_KIND: Kind[FromPlayback] = Kind("api.playback", Hello(VERSION), FROM_PLAYBACK)
_PATIENCE = 10.0
"""Seconds that an answer may take: a STUN server that is silent takes 5."""


class Cameras(Protocol):
    """Where video comes from."""

    def coded(self, camera: CameraId) -> AsyncGenerator[Coded, None]:
        """A camera's video; asked for once for each camera with viewers."""

    def request_key(self, camera: CameraId) -> None:
        """A viewer lost pictures: a key picture soon, where one can be had."""


@dataclass(slots=True)
class _Session:
    """Somebody who views, or is about to."""

    camera: CameraId
    answer: asyncio.Future[str]
    status: ViewingStatus


class PlaybackProcess:
    """Live video for viewers, from a process of its own: a ``Playback``.

    Args:
        group: in which everything runs.
        cameras: whose video it is.
        ice: what the next session offers.
        most: viewers at once.
        level: the least that is logged.
        on_lags: hears how late its loop woke, in seconds.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        cameras: Cameras,
        ice: Callable[[], Ice],
        most: int,
        level: str,
        on_lags: Callable[[Sequence[float]], None],
    ) -> None:
        self._group = group
        self._cameras = cameras
        self._ice = ice
        self._most = most
        self._on_lags = on_lags
        self._child: Child[ToPlayback, FromPlayback] = Child(_KIND, "playback", level)
        self._sessions: dict[str, _Session] = {}
        self._feeds: dict[CameraId, asyncio.Task[None]] = {}
        self.settled = asyncio.Event()
        """Set when it runs for the first time, or could not."""
        self.trouble = "it starts"
        """What is wrong with it; empty if nothing is."""
        self.restarts = 0
        self.vitals: Vitals | None = None
        self.losses = 0
        """How often viewers lost pictures and said so."""
        self.started = 0
        """Sessions that were accepted."""
        self.refused = 0
        """Those that were not, for want of room or by their offers."""

    async def run(self) -> None:
        """Keep it alive, for ever."""
        await self._child.keep(self)

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._child.pid

    @property
    def viewers(self) -> int:
        """Sessions now."""
        return len(self._sessions)

    async def watch(self, camera: CameraId, offer: str) -> Viewing:
        """Begin a session for an offer (SDP).

        Raises:
            BadInput: the offer cannot be accepted.
            Transient: there is no room for one more, or no process just now.
        """
        try:
            return await self._begin(camera, offer)
        except (BadInput, Transient):
            self.refused += 1
            raise

    def viewing(self, session: str) -> ViewingStatus | None:
        """How a session is, None if it is over."""
        known = self._sessions.get(session)
        return known.status if known else None

    async def end(self, session: str) -> None:
        """End a session; one that is over stays so."""
        if session in self._sessions:
            self._child.send(End(session))
            self._drop(session)

    # What becomes of its process

    def begins(self) -> ToPlayback:
        """One is begun; says what it is told first."""
        return Begin(VERSION)

    def hear(self, message: FromPlayback) -> None:
        """It said something."""
        match message:
            case Ready():
                self.trouble = ""
                self.settled.set()
            case Vitals():
                self.vitals = message
                self._on_lags(message.lags)
            case Answer(session, sdp) if known := self._sessions.get(session):
                if not known.answer.done():
                    known.answer.set_result(sdp)
            case Refused(session, problem) if known := self._sessions.get(session):
                if not known.answer.done():
                    known.answer.set_exception(BadInput(problem))
            case Linked(session) if known := self._sessions.get(session):
                known.status = _status(known.camera, message)
            case Lost(camera):
                self.losses += 1
                self._cameras.request_key(CameraId(camera))
            case Ended(session, reason) if session in self._sessions:
                _log.info("session %s: %s", session, reason)
                self._drop(session)

    def ended(self, end: ProcessEnd) -> None:
        """It is gone, and every session with it; it is about to be replaced."""
        _log.error("playback: %s; it is begun again", end.reason)
        self.trouble, self.vitals = f"it {end.reason}; it is begun again", None
        self.restarts += 1
        self.settled.set()
        for session in list(self._sessions):
            self._drop(session)

    # Sessions

    async def _begin(self, camera: CameraId, offer: str) -> Viewing:
        if self.trouble:
            raise Transient(f"live video is out of reach: {self.trouble}")
        if len(self._sessions) >= self._most:
            raise Transient(f"{self._most} are viewing, and no more may (WEBRTC_MOST_VIEWERS)")
        session = secrets.token_urlsafe()
        known = _Session(
            camera,
            asyncio.get_running_loop().create_future(),
            ViewingStatus(camera, "connecting", None, None, (), None, exact=True),
        )
        self._sessions[session] = known
        self._feed(camera)
        self._child.send(Offer(session, camera, offer, self._ice()))
        try:
            answer = await asyncio.wait_for(known.answer, _PATIENCE)
        except TimeoutError:
            raise Transient("live video did not answer in time") from None
        finally:
            if not known.answer.done() or known.answer.cancelled() or known.answer.exception():
                await self.end(session)
        self.started += 1
        return Viewing(session, answer)

    def _drop(self, session: str) -> None:
        """It is over; with a camera's last one, its pictures are sent no more."""
        known = self._sessions.pop(session)
        if not known.answer.done():
            known.answer.set_exception(Transient(f"live video has ended: {self.trouble}"))
        if all(one.camera != known.camera for one in self._sessions.values()):
            self._feeds.pop(known.camera).cancel()
            self._child.send(Gone(known.camera))

    # Pictures

    def _feed(self, camera: CameraId) -> None:
        if camera not in self._feeds:
            self._feeds[camera] = self._group.create_task(self._send(camera))

    async def _send(self, camera: CameraId) -> None:
        """Send a camera's pictures, until it is gone; what waits is in the cameras' bounds."""
        async with aclosing(self._cameras.coded(camera)) as pictures:
            async for picture in pictures:
                await self._child.send_large(picture, len(picture.data))
        for session in [key for key, one in self._sessions.items() if one.camera == camera]:
            await self.end(session)


def _status(camera: CameraId, message: Linked) -> ViewingStatus:
    return ViewingStatus(
        camera,
        "connected" if message.connected else "connecting",
        message.rtp_origin,
        message.encoded,
        message.caught_up,
        message.role,
        message.exact,
    )
