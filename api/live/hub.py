"""The hub: what happens on the cameras, to everyone who listens."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from api.live.kept import Kept
from api.live.presence import Presences
from api.live.told import Told
from api.live.wire import (
    CameraMessage,
    GapMessage,
    LiveMessage,
    Position,
    PresenceMessage,
    SnapshotMessage,
)
from api.settings.sections import LiveSettings
from pipeline.messages import CameraId, PersonId

_KEPT = 4096
"""Messages that are kept at the most."""
_AT_ONCE = 32
"""Listeners that are woken before the loop does something else: some milliseconds of sending."""

_LOOK = 0.5
"""Seconds between two looks for those who left."""


class Hub:
    """Passes messages on; whoever is slow hurts only itself.

    Messages lie here once. A listener is a place among them: numbers of messages wait for it, and
    none is alive because of it. One that is late is told what it missed and how things are now.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        settings: LiveSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.epoch = secrets.token_hex(8)
        self._max_age = settings.max_age
        self._kept = Kept(settings.kept, _KEPT, clock)
        self._presences = Presences(settings.leave_after, clock)
        self._states: dict[CameraId, CameraMessage] = {}
        self._listeners: set[_Listener] = set()
        self._to_wake: deque[_Listener] = deque()
        Gauge(
            "faceapi_listeners", "Who listens to live results now", registry=registry
        ).set_function(lambda: len(self._listeners))
        self._dropped = Counter(
            "faceapi_listener_drops", "Messages that slow listeners missed", registry=registry
        )

    def publish(self, message: LiveMessage) -> None:
        """Give a message, and who came or went by it, to all who want to hear; never waits."""
        self._tell(message)
        for change in self._presences.after(message):
            self._tell(change)

    async def see_them_leave(self) -> None:
        """Tell for ever who has left, also where a camera shows nothing any more."""
        while True:
            await asyncio.sleep(_LOOK)
            for left in self._presences.overdue():
                self._tell(left)

    def is_too_old(self, captured_at: float) -> bool:
        """Whether what was seen at that moment (Unix seconds) is no news any more."""
        return time.time() - captured_at > self._max_age

    def forget(self, camera: CameraId) -> None:
        """A camera was deleted: nobody is told of it from now on."""
        self._states.pop(camera, None)
        self._kept.forget(camera)
        self._presences.forget_camera(camera)

    def hide(self, people: Collection[PersonId]) -> None:
        """Something of these people was deleted: what was told is not told again with them."""
        for left in self._presences.forget(people):
            self._tell(left)
        self._kept.hide(people)

    def state(self, camera: CameraId) -> CameraMessage | None:
        """The latest state of a camera."""
        return self._states.get(camera)

    def present(self, cameras: Collection[CameraId] | None) -> Sequence[PresenceMessage]:
        """Who is on these cameras (None: all) now."""
        return self._presences.present(cameras)

    async def subscribe(
        self,
        cameras: Collection[CameraId] | None,
        after: Position | None = None,
        *,
        recent: bool = False,
    ) -> AsyncGenerator[Told, None]:
        """What happens on these cameras (None: all): from a snapshot on, or after a position.

        With ``recent`` the first snapshot has all results that are not too old to be shown.
        """
        listener = _Listener(cameras, self._kept.most)
        listener.wants_recent = recent
        messages = self._beginning(listener, after)
        self._listeners.add(listener)
        try:
            while True:
                for message in messages:
                    yield message
                await listener.something()
                messages = self._next(listener)
        finally:
            self._listeners.discard(listener)

    def _tell(self, message: LiveMessage) -> None:
        camera, cursor = CameraId(message.camera), self._kept.add(message)
        if isinstance(message, CameraMessage):
            self._states[camera] = message.model_copy(update={"cursor": cursor})
        idle = not self._to_wake
        for listener in self._listeners:
            if listener.wants(camera) and listener.put(cursor):
                self._to_wake.append(listener)
        if idle and self._to_wake:
            self._wake_some()

    def _wake_some(self) -> None:
        """Wake a few, and the others in the loop's next rounds: what else waits goes between."""
        for _ in range(min(_AT_ONCE, len(self._to_wake))):
            self._to_wake.popleft().ready.set()
        if self._to_wake:
            asyncio.get_running_loop().call_soon(self._wake_some)

    def _beginning(self, listener: "_Listener", after: Position | None) -> Sequence[Told]:
        if after is None:
            return [self._snapshot(listener)]
        if after.epoch != self.epoch or after.cursor > self._kept.head:
            return self._present(listener, "reset", 0, None)
        missed = self._kept.after(after.cursor, listener.cameras)
        if missed is None:
            every = self._kept.head - after.cursor if listener.cameras is None else None
            return self._present(listener, "expired", after.cursor, every)
        listener.begin(after.cursor, self._kept.head, missed)
        return []

    def _next(self, listener: "_Listener") -> Sequence[Told]:
        """The next message for a listener, or a gap and a snapshot if it is too late for that."""
        cursor = listener.next
        max_age = self._max_age if cursor > listener.replayed else None
        told = None if listener.dropped else self._kept.get(cursor, max_age)
        if told is None:
            self._dropped.inc(listener.behind)
            return self._present(listener, "slow", listener.position, listener.behind)
        listener.take()
        return [told]

    def _present(
        self,
        listener: "_Listener",
        reason: Literal["slow", "expired", "reset"],
        after: int,
        missed: int | None,
    ) -> Sequence[Told]:
        gap = GapMessage(reason=reason, after=after, to=self._kept.head, missed=missed)
        return [Told(gap), self._snapshot(listener)]

    def _snapshot(self, listener: "_Listener") -> Told:
        """How things are now; the listener goes on from here."""
        listener.begin(self._kept.head, self._kept.head, ())
        states = (state for camera, state in self._states.items() if listener.wants(camera))
        take = self._kept.recent_frames if listener.wants_recent else self._kept.last_frames
        frames = take(listener.cameras, self._max_age)
        listener.wants_recent = False
        return Told(
            SnapshotMessage(
                epoch=self.epoch,
                cursor=self._kept.head,
                max_age=self._max_age,
                cameras=tuple(states),
                frames=tuple(frames),
                present=tuple(self.present(listener.cameras)),
            )
        )


class _Listener:
    """Where somebody who listens is: what it wants, and the numbers that wait for it.

    Args:
        most: numbers that wait; then the oldest is dropped, and counted.
    """

    def __init__(self, cameras: Collection[CameraId] | None, most: int) -> None:
        self.cameras = cameras
        self.position = 0
        """Up to here it was told everything."""
        self.replayed = 0
        """Up to here messages were told before it came, and may be older than live ones."""
        self.dropped = 0
        self.wants_recent = False
        """Its next snapshot has not only the last result of each camera."""
        self.ready = asyncio.Event()
        self._most = most
        self._waiting: deque[int] = deque()

    @property
    def next(self) -> int:
        """The number of the next message, which is there."""
        return self._waiting[0]

    @property
    def behind(self) -> int:
        """How many messages it has not got yet."""
        return self.dropped + len(self._waiting)

    def wants(self, camera: CameraId) -> bool:
        """Whether it wants to hear of a camera."""
        return self.cameras is None or camera in self.cameras

    def begin(self, position: int, replayed: int, waiting: Sequence[int]) -> None:
        """Go on from a position, with what has been told since."""
        self.position, self.replayed, self.dropped = position, replayed, 0
        self._waiting = deque(waiting)

    def put(self, cursor: int) -> bool:
        """There is a message; whether it is to be woken for it."""
        if len(self._waiting) == self._most:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(cursor)
        return len(self._waiting) == 1

    def take(self) -> None:
        """The next message was told."""
        self.position = self._waiting.popleft()

    async def something(self) -> None:
        """Return when a message is there."""
        while not self._waiting:
            self.ready.clear()
            await self.ready.wait()
