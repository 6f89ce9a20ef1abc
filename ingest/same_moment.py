"""Two streams of one camera: which place of the one shows the moment of a place of the other.

Each stream counts media times of its own. Both are set against a clock that they share:

- the camera's, where both have had RTCP sender reports. The two agree then as well as the camera
  stamps them, and a tick or two of rounding;
- else ours. Of each stream the least delay of the last seconds is taken for none, so that what is
  wrong is the difference between the least delays of the two: how much longer the camera takes to
  code and send the one. Mostly that is under 0.1 s; nothing here can tell.

All streams' media times are told as the analysed one's, here and nowhere else.
"""

from dataclasses import replace
from typing import NamedTuple, Protocol

from ingest.media_clock import TICKS
from ingest.sender_clock import Stamp

_BUCKET = 5.0
"""Seconds; the least delay is that of the present such span and the one before."""
_STEP = TICKS // 200
"""By so much at the most, 5 ms, a picture is placed otherwise than the one before, so that none is
placed before it."""
_LEAP = TICKS // 5
"""What is more than 0.2 s later than it was is so at once: a stream has begun anew."""


class Timing(Protocol):
    """What is done with the stamps of a stream's pictures; on the stream's thread."""

    def begin(self) -> None:
        """A connection begins."""

    def placed(self, stamp: Stamp, arrived: float) -> Stamp:
        """The stamp of the next picture, which came at ``arrived`` (Unix seconds)."""


class Ahead(NamedTuple):
    """How far media times are ahead of a clock, in ticks."""

    of_camera: int | None
    """None where it sends no reports."""
    of_us: int
    """At the least delay."""


class OwnTime:
    """How one stream's media times run; a ``Timing`` that leaves stamps as they are."""

    def __init__(self) -> None:
        self.ahead: Ahead | None = None
        """None before the first picture. To be read on any thread."""
        self._bucket = self._before = -(1 << 62)
        self._ends = 0.0

    def begin(self) -> None:
        """A connection begins: its delays are its own."""
        self._bucket = self._before = -(1 << 62)

    def placed(self, stamp: Stamp, arrived: float) -> Stamp:
        """``stamp``, which is taken note of."""
        if arrived >= self._ends or arrived < self._ends - _BUCKET:
            self._before, self._bucket, self._ends = self._bucket, -(1 << 62), arrived + _BUCKET
        self._bucket = max(self._bucket, stamp.media_time - round(arrived * TICKS))
        camera = None
        if stamp.reported_at is not None:
            camera = stamp.media_time - round(stamp.reported_at * TICKS)
        self.ahead = Ahead(camera, max(self._bucket, self._before))
        return stamp


class SameMoment:
    """A further stream's media times, told in those of the analysed one: a ``Timing``.

    ``exact`` says that they are told by the camera's own clock.
    """

    def __init__(self, analysed: OwnTime) -> None:
        self.exact = False
        self._analysed = analysed
        self._own = OwnTime()
        self._shift: int | None = None

    def follow(self, analysed: OwnTime) -> None:
        """The analysed stream is another one now. On any thread."""
        self._analysed = analysed

    def begin(self) -> None:
        """A connection begins."""
        self._own.begin()
        self._shift = None

    def placed(self, stamp: Stamp, arrived: float) -> Stamp:
        """``stamp`` with the media time that the analysed stream has at its moment."""
        self._own.placed(stamp, arrived)
        wanted, by_camera = self._wanted()
        self._shift = _approached(self._shift, wanted)
        self.exact = by_camera and self._shift == wanted
        return replace(stamp, media_time=stamp.media_time + self._shift)

    def _wanted(self) -> tuple[int, bool]:
        """What is to be added, and whether that is by the camera's clock."""
        own, analysed = self._own.ahead, self._analysed.ahead
        if own is None or analysed is None:
            return 0, False
        if own.of_camera is not None and analysed.of_camera is not None:
            return analysed.of_camera - own.of_camera, True
        return analysed.of_us - own.of_us, False


def _approached(shift: int | None, wanted: int) -> int:
    """``wanted``, or as much nearer to it as goes without changing the order of pictures."""
    if shift is None or wanted - shift > _LEAP:
        return wanted
    return shift + max(-_STEP, min(_STEP, wanted - shift))
