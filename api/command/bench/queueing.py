"""From a frame's arrival to its result at a given load, beside an ideal queue of the same frames.

The ideal has as many servers as there are lanes, serves first come, first served, and wastes nothing
between two frames; each frame takes there just the time that its work took in the lanes here.
"""

import asyncio
import heapq
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import numpy as np

from api.command.bench.line import Line
from pipeline.messages import CameraId, Capture, Image
from pipeline.watch import watch

_RATE = 10.0
"""Frames a second by which the line's clock counts: looks become due by it."""


@dataclass(frozen=True, slots=True)
class Served:
    """Seconds from arrival to result of each frame: here, and in the ideal queue."""

    here: Sequence[float]
    ideal: Sequence[float]

    def percentile(self, which: float) -> tuple[float, float]:
        """Of both, in seconds."""
        return float(np.percentile(self.here, which)), float(np.percentile(self.ideal, which))


class ServiceTimes:
    """Seconds that lanes worked for each frame; what is timed runs on their threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of = dict[int, int]()
        self.seconds = dict[int, float]()

    def paint(self, seq: int, image: Image) -> Image:
        """A copy of a picture by which its frame is known again; what it takes is the frame's."""
        began = time.perf_counter()
        made = image.copy()
        with self._lock:
            self._of[id(made)] = seq
        self._add(seq, time.perf_counter() - began)
        return made

    def timed(self, work: Callable[..., object]) -> Callable[..., object]:
        """``work`` on an image, whose time is its frame's."""

        def do(image: Image, *more: object) -> object:
            began = time.perf_counter()
            try:
                return work(image, *more)
            finally:
                self._add(self._of[id(image)], time.perf_counter() - began)

        return do

    def _add(self, seq: int, seconds: float) -> None:
        with self._lock:
            self.seconds[seq] = self.seconds.get(seq, 0.0) + seconds


async def served(line: Line, pictures: Sequence[Image], arrivals: Sequence[float]) -> Served:
    """Let the line name the people on ready pictures that arrive at these moments, in seconds.

    Nothing is decoded meanwhile: the lanes have the cores for themselves.
    """
    times, done = ServiceTimes(), list[float]()
    recognizer = line.engine.recognizer(line.gallery)
    recognizer._detector = _Timed(times.timed(recognizer._detector.detect))  # type: ignore[assignment]  # noqa: SLF001
    raise NotImplementedError


def ideal_queue(
    arrivals: Sequence[float], services: Sequence[float], servers: int
) -> Sequence[float]:
    """Seconds from arrival to end of each customer, first come, first served."""
    free = [0.0] * servers
    heapq.heapify(free)
    waits = []
    for arrival, service in zip(arrivals, services, strict=True):
        ends = max(arrival, heapq.heappop(free)) + service
        heapq.heappush(free, ends)
        waits.append(ends - arrival)
    return waits
