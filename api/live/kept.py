"""What was told lately, under its number, for those who come back or are late."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from api.live.told import Told
from api.live.wire import FrameMessage, LiveMessage, without
from pipeline.messages import CameraId, PersonId


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    camera: CameraId
    at: float
    message: LiveMessage
    told: Told


class Kept:
    """The latest messages of all cameras, numbered from 1 without a gap.

    Args:
        seconds: that a message is kept.
        most: messages that are kept; then the oldest goes, however young it is.
        clock: seconds that only grow.
    """

    def __init__(
        self, seconds: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.head = 0
        """The number of the last message."""
        self.most = most
        self._seconds = seconds
        self._clock = clock
        self._entries: dict[int, _Entry] = {}
        self._forgotten: dict[CameraId, int] = {}
        """Of each camera, also of deleted ones, the last message that is not kept any more."""
        self._frames: dict[CameraId, _Entry] = {}
        """Of each camera the last result."""

    def add(self, message: LiveMessage) -> int:
        """Keep a message; its number."""
        self.head += 1
        camera = CameraId(message.camera)
        numbered = message.model_copy(update={"cursor": self.head})
        entry = _Entry(camera, self._clock(), numbered, Told(numbered))
        self._entries[self.head] = entry
        if isinstance(message, FrameMessage):
            self._frames[camera] = entry
        self._forget_old()
        return self.head

    def get(self, cursor: int, max_age: float | None = None) -> Told | None:
        """A message, None if it is not kept any more, or older than ``max_age`` seconds."""
        self._forget_old()
        entry = self._entries.get(cursor)
        return None if entry is None or self._is_older(entry, max_age) else entry.told

    def after(self, cursor: int, cameras: Collection[CameraId] | None) -> Sequence[int] | None:
        """The later messages of these cameras (None: all); None if not all of them are kept."""
        self._forget_old()
        if self._last_forgotten(cameras) > cursor:
            return None
        first = max(cursor + 1, self.head - len(self._entries) + 1)
        return [
            number
            for number in range(first, self.head + 1)
            if cameras is None or self._entries[number].camera in cameras
        ]

    def last_frames(
        self, cameras: Collection[CameraId] | None, max_age: float
    ) -> Sequence[FrameMessage]:
        """Of each of these cameras (None: all) the last result, if it is no older than that."""
        return [
            entry.message
            for camera, entry in self._frames.items()
            if (cameras is None or camera in cameras)
            and not self._is_older(entry, max_age)
            and isinstance(entry.message, FrameMessage)
        ]

    def recent_frames(
        self, cameras: Collection[CameraId] | None, max_age: float
    ) -> Sequence[FrameMessage]:
        """All results of these cameras (None: all) that are no older than that, in order."""
        self._forget_old()
        return [
            entry.message
            for entry in self._entries.values()
            if (cameras is None or entry.camera in cameras)
            and entry.camera in self._frames  # it was not deleted
            and not self._is_older(entry, max_age)
            and isinstance(entry.message, FrameMessage)
        ]

    def forget(self, camera: CameraId) -> None:
        """A camera was deleted: there is no last result of it."""
        self._frames.pop(camera, None)

    def hide(self, people: Collection[PersonId]) -> None:
        """Something of these people was deleted: no message names them any more."""
        for number, entry in self._entries.items():
            self._entries[number] = _unnamed(entry, people)
        for camera, entry in self._frames.items():
            self._frames[camera] = _unnamed(entry, people)

    def _last_forgotten(self, cameras: Collection[CameraId] | None) -> int:
        if cameras is None:
            return self.head - len(self._entries)
        return max((self._forgotten.get(camera, 0) for camera in cameras), default=0)

    def _forget_old(self) -> None:
        while self._entries:
            oldest = self.head - len(self._entries) + 1
            entry = self._entries[oldest]
            if len(self._entries) <= self.most and not self._is_older(entry, self._seconds):
                return
            del self._entries[oldest]
            self._forgotten[entry.camera] = oldest

    def _is_older(self, entry: _Entry, seconds: float | None) -> bool:
        return seconds is not None and self._clock() - entry.at > seconds


def _unnamed(entry: _Entry, people: Collection[PersonId]) -> _Entry:
    message = entry.message
    unnamed = without(message, people)
    return entry if unnamed is message else _Entry(entry.camera, entry.at, unnamed, Told(unnamed))
