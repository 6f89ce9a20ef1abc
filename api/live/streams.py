"""What comes of each camera: its video, rates of the last few seconds, and how late results are."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingest.observed import Observed
from pipeline.messages import CameraId

_WINDOW = 5.0
"""Seconds over which rates are taken."""
_RESULTS = 512
"""Results of a camera whose delays are kept: more than 15 s at 30 a second."""


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """A camera's video, and what is made of it; sizes in pixels, rates a second, times in seconds.

    ``bit_rate`` and ``key_interval`` are None where the camera's own coding is not seen, the delays
    (from capture to result) where there was no result lately. ``coded_bytes`` and ``connections``
    count since the camera is watched. Dropped are pictures that were not analysed because a newer
    one was there. ``clock_skew`` is how far the camera's clock is ahead of ours, None where it
    tells no time. ``transport`` is tcp, udp or webrtc, ``decoder`` what really decodes: cpu or
    cuda.
    """

    codec: str
    width: int
    height: int
    coded_bytes: int
    bit_rate: float | None
    key_interval: float | None
    pictures_per_second: float
    decoded_per_second: float
    analysed_per_second: float
    dropped_per_second: float
    delay_p50: float | None
    delay_p95: float | None
    clock_skew: float | None
    connections: int
    transport: str
    decoder: str


@dataclass(slots=True)
class _Camera:
    told: deque[tuple[float, Observed]] = field(default_factory=deque)
    results: deque[tuple[float, float, int]] = field(default_factory=lambda: deque(maxlen=_RESULTS))
    """When a result came, how late, and how many pictures before it were dropped."""
    connections: int = 0
    coded_bytes: int = 0
    """Both of processes that are gone."""


class Streams:
    """The figures of all cameras.

    Args:
        clock: seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._cameras: defaultdict[CameraId, _Camera] = defaultdict(_Camera)

    def told(self, camera: CameraId, observed: Observed) -> None:
        """So much came so far; a new process, or another address, counts from 0 again."""
        one, now = self._cameras[camera], self._clock()
        if one.told and _began_anew(one.told[-1][1], observed):
            one.connections += one.told[-1][1].connections
            one.coded_bytes += one.told[-1][1].coded_bytes
            one.told.clear()
        one.told.append((now, observed))
        while len(one.told) > 2 and now - one.told[1][0] >= _WINDOW:  # noqa: PLR2004 - a rate takes two
            one.told.popleft()

    def seen(self, camera: CameraId, delay: float, dropped: int = 0) -> None:
        """A result came, so many seconds after its capture; so many before it did not."""
        self._cameras[camera].results.append((self._clock(), delay, dropped))

    def forget(self, camera: CameraId) -> None:
        """A camera is gone."""
        self._cameras.pop(camera, None)

    def statuses(self) -> Iterator[tuple[CameraId, StreamStatus]]:
        """Of each camera of which something came."""
        for camera in list(self._cameras):
            if (status := self.status(camera)) is not None:
                yield camera, status

    def status(self, camera: CameraId) -> StreamStatus | None:
        """How its stream is now; None where nothing came yet."""
        one = self._cameras.get(camera)
        if one is None or not one.told or not one.told[-1][1].connections:
            return None
        (began, first), (ended, last) = one.told[0], one.told[-1]
        passed = max(ended - began, 1e-9)
        begin = self._clock() - _WINDOW
        # A copy first: a scrape reads on a thread of its own while results come.
        lately = [result for result in tuple(one.results) if result[0] > begin]
        delays = sorted(delay for _, delay, _ in lately)
        return StreamStatus(
            codec=last.codec,
            width=last.width,
            height=last.height,
            coded_bytes=one.coded_bytes + last.coded_bytes,
            bit_rate=8 * (last.coded_bytes - first.coded_bytes) / passed if last.pictures else None,
            key_interval=last.key_interval or None,
            pictures_per_second=(last.pictures - first.pictures) / passed,
            decoded_per_second=(last.decoded - first.decoded) / passed,
            analysed_per_second=len(lately) / _WINDOW,
            dropped_per_second=sum(dropped for _, _, dropped in lately) / _WINDOW,
            delay_p50=delays[len(delays) // 2] if delays else None,
            delay_p95=delays[int(0.95 * len(delays))] if delays else None,
            clock_skew=last.clock_skew,
            connections=one.connections + last.connections,
            transport=last.transport,
            decoder=last.decoder,
        )


def _began_anew(before: Observed, now: Observed) -> bool:
    return any(
        getattr(now, count) < getattr(before, count)
        for count in ("connections", "pictures", "decoded")
    )
