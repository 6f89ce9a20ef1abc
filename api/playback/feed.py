"""A camera's pictures on their way to its viewers."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import av
import msgspec

from api.live.coded import Coded
from ingest.playable import LastGroup

TICK = Fraction(1, 90_000)
"""Seconds of a tick of media time, which is that of RTP (RFC 6184, 8.2.1)."""
_WAITING = 64
"""Pictures that wait for a viewer beside a group it begins with; then it goes on with the next key
picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture, the same for all viewers; ``packet`` is what aiortc sends."""

    coded: Coded
    packet: "av.Packet[Any]"

    @classmethod
    def of(cls, coded: Coded) -> Self:
        """The picture that arrived as ``coded``."""
        packet = av.Packet(coded.data)
        packet.pts, packet.time_base = coded.media_time, TICK
        return cls(coded, packet)

    @property
    def key(self) -> bool:
        """Whether decoding can begin with it."""
        return self.coded.key

    @property
    def data(self) -> bytes:
        """The access unit."""
        return self.coded.data

    @property
    def media_time(self) -> int:
        """In ticks of 90 kHz."""
        return self.coded.media_time

    def at(self, media_time: int) -> Self:
        """The same picture at another time."""
        return self.of(msgspec.structs.replace(self.coded, media_time=media_time))


class Queue:
    """Pictures that wait for one viewer; bounded: a slow one goes on with the next key picture."""

    def __init__(self) -> None:
        self._waiting: deque[Picture] = deque()
        self._filled = asyncio.Event()
        self._wants_key = True
        self._of_group = 0
        """How many of those that wait it began with."""
        self.dropped = 0
        """Pictures that its viewer will never see because it was slow."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting(self) -> Sequence[Picture]:
        """What waits, in order."""
        return tuple(self._waiting)

    def put(self, picture: Picture) -> None:
        """Leave the camera's next picture."""
        if len(self._waiting) >= self._of_group + _WAITING:
            self.dropped += len(self._waiting)
            self.begin([])
        if self._wants_key and not picture.key:
            self.dropped += 1
            return
        self._wants_key = False
        self._waiting.append(picture)
        self._filled.set()

    def begin(self, group: Sequence[Picture]) -> None:
        """Begin with these pictures, of which the first is a key picture, or with the next one."""
        self._waiting = deque(group)
        self._of_group = len(group)
        self._wants_key = not group
        if group:
            self._filled.set()
        else:
            self._filled.clear()

    async def take(self) -> Picture:
        """The next picture."""
        await self._filled.wait()
        picture = self._waiting.popleft()
        self._of_group = max(0, self._of_group - 1)
        if not self._waiting:
            self._filled.clear()
        return picture


class Feed:
    """A camera's pictures since its last key picture, and everyone who views them."""

    def __init__(self) -> None:
        self._group = LastGroup[Picture]()
        self._queues: set[Queue] = set()
        self._latest = 0
        """Media time of the newest picture."""
        self._interval = 0
        """Ticks between the two newest."""
        self._came = 0.0
        """When the newest one came, in seconds of the monotonic clock."""

    @property
    def group(self) -> Sequence[Picture]:
        """The last key picture and all since; empty if that is too much."""
        return self._group.pictures

    def put(self, picture: Picture) -> None:
        """Pass a picture on, and keep it."""
        self._interval, self._latest = picture.media_time - self._latest, picture.media_time
        self._came = time.monotonic()
        self._group.add(picture)
        for queue in self._queues:
            queue.put(picture)

    def just_now(self) -> int:
        """The media time of a moment ago: one that no picture which is still to come will have."""
        return self._latest - self._interval + int((time.monotonic() - self._came) / TICK)

    def join(self, queue: Queue) -> None:
        """Let ``queue`` have every further picture."""
        self._queues.add(queue)

    def leave(self, queue: Queue) -> None:
        """Its viewer has gone."""
        self._queues.discard(queue)
