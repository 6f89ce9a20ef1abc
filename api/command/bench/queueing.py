"""From a frame's arrival to its result at a given load, beside an ideal queue of the same frames.

The ideal has as many servers as there are lanes, serves first come, first served, and wastes
nothing between two frames; each frame takes there just the time that its work took in lanes here.
"""

import asyncio
import heapq
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace

from api.command.bench.line import Line
from pipeline.extract import FeatureExtractor
from pipeline.messages import (
    CameraId,
    Capture,
    Detail,
    DetectedFace,
    Frame,
    Image,
    Look,
    Result,
    no_detail,
)
from pipeline.stages import Detector
from pipeline.watch import watch

_RATE = 12.5
"""Frames a second of the film, by whose moments looks become due."""


@dataclass(frozen=True, slots=True)
class Served:
    """Seconds from arrival to result of each frame: here, and in the ideal queue."""

    here: Sequence[float]
    ideal: Sequence[float]


class ServiceTimes:
    """Seconds that lanes worked for each frame, counted on their threads."""

    def __init__(self, frames: int) -> None:
        self._lock = threading.Lock()
        self._seq_of = dict[int, int]()
        self._held: list[Image] = []
        self.seconds = [0.0] * frames

    def painted(self, seq: int, picture: Image) -> Image:
        """A copy of a picture of its own, by which its frame is known again."""
        began = time.perf_counter()
        image = picture.copy()
        with self._lock:
            self._seq_of[id(image)] = seq
            self._held.append(image)  # so that no other one gets its id
        self.add(image, began)
        return image

    def add(self, image: Image, began: float) -> None:
        """Work on an image that began then is over."""
        took = time.perf_counter() - began
        with self._lock:
            self.seconds[self._seq_of[id(image)]] += took


class _TimedDetector:
    def __init__(self, detector: Detector, times: ServiceTimes) -> None:
        self._detector = detector
        self._times = times

    def detect(self, image: Image) -> Sequence[DetectedFace]:
        began = time.perf_counter()
        try:
            return self._detector.detect(image)
        finally:
            self._times.add(image, began)


class _TimedExtractor(FeatureExtractor):
    def __init__(self, extractor: FeatureExtractor, times: ServiceTimes) -> None:
        self._extractor = extractor
        self._times = times

    def extract(self, image: Image, face: DetectedFace, detail: Detail = no_detail) -> Look:
        began = time.perf_counter()
        try:
            return self._extractor.extract(image, face, detail)
        finally:
            self._times.add(image, began)


async def served(line: Line, pictures: Sequence[Image], arrivals: Sequence[float]) -> Served:
    """Let the line name the people on ready pictures that arrive at these moments, in seconds.

    Nothing is decoded meanwhile: the lanes have the cores for themselves.
    """
    times, ends = ServiceTimes(len(arrivals)), [0.0] * len(arrivals)
    engine = replace(
        line.engine,
        watcher=_TimedDetector(line.engine.watcher, times),
        extractor=_TimedExtractor(line.engine.extractor, times),
    )
    began = time.perf_counter()

    def publish(_: Frame, result: Result) -> None:
        ends[result.seq] = time.perf_counter() - began

    captures = _arriving(pictures, arrivals, began, times.painted)
    window = engine.settings.inference.window
    await watch(captures, engine.recognizer(line.gallery), publish, window)
    here = [end - arrival for end, arrival in zip(ends, arrivals, strict=True)]
    return Served(here, ideal_queue(arrivals, times.seconds, engine.lanes.count))


async def _arriving(
    pictures: Sequence[Image],
    arrivals: Sequence[float],
    began: float,
    painted: Callable[[int, Image], Image],
) -> AsyncGenerator[Capture, None]:
    """Frames at their moments; one that nobody takes yet waits, and the others behind it."""
    for seq, arrival in enumerate(arrivals):
        await asyncio.sleep(max(0.0, began + arrival - time.perf_counter()))
        picture = pictures[seq % len(pictures)]
        moment = seq / _RATE
        yield Capture(
            CameraId("film"),
            seq,
            round(moment * 90_000),
            moment,
            None,
            lambda seq=seq, picture=picture: painted(seq, picture),  # type: ignore[misc]  # bound now
        )


def ideal_queue(
    arrivals: Sequence[float], services: Sequence[float], servers: int
) -> Sequence[float]:
    """Seconds from arrival to end of each customer, first come, first served."""
    free = [0.0] * servers
    stays = []
    for arrival, service in zip(arrivals, services, strict=True):
        ends = max(arrival, heapq.heappop(free)) + service
        heapq.heappush(free, ends)
        stays.append(ends - arrival)
    return stays
