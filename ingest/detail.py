"""Pictures of a camera's detail stream, beside those that are analysed."""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from ingest.decode import Painter
from ingest.media_clock import TICKS
from pipeline.messages import Detail, Image

if TYPE_CHECKING:
    from av import VideoFrame

_KEPT = 12
"""Pictures that are kept, decoded and not converted: half a second at 25 a second, and 37 MB of
1920x1080. Faces that are looked at later than that are cut from the analysed picture."""
_WANTED = 5.0
"""Seconds after which nobody has asked for a picture, and no more are decoded."""
_TOLERANCE = TICKS // 100
"""Beside half the time between two pictures: two streams' clocks may be 10 ms apart."""
_FARTHEST = TICKS // 20
"""Half the time between two pictures counts as this at the most."""


class DetailPictures:
    """The last pictures of a stream by media time, which is that of the analysed stream.

    ``add`` is for the stream's thread, ``at`` for any other.

    Args:
        painter: makes their images, masked.
        clock: seconds, from anywhere.
    """

    def __init__(
        self, painter: Painter | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._asked_at = float("-inf")
        self._lock = threading.Lock()
        self._kept: deque[tuple[int, VideoFrame]] = deque(maxlen=_KEPT)
        self._painter = painter or Painter()

    @property
    def wanted(self) -> bool:
        """Whether somebody has asked for one lately."""
        return self._clock() - self._asked_at < _WANTED

    def add(self, picture: "VideoFrame", media_time: int) -> None:
        """The stream's next picture."""
        with self._lock:
            if self.wanted:
                self._kept.append((media_time, picture))
            else:
                self._kept.clear()

    def clear(self) -> None:
        """What was kept is not to be used any more."""
        with self._lock:
            self._kept.clear()

    def at(self, media_time: int) -> Image | None:
        """The image of a moment; None where there is no picture of it (yet, or any more)."""
        self._asked_at = self._clock()
        picture = self._nearest(media_time)
        return None if picture is None else self._painter.image(picture)

    def of(self, media_time: int) -> Detail:
        """The same later, on any thread, and once, however many faces are cut from it."""
        return _Once(self, media_time)

    def _nearest(self, media_time: int) -> "VideoFrame | None":
        with self._lock:
            times = [time for time, _ in self._kept]
            step = min((after - before for before, after in pairwise(times)), default=0)
            reach = min(step // 2, _FARTHEST) + _TOLERANCE
            near = min(self._kept, key=lambda one: abs(one[0] - media_time), default=None)
            return near[1] if near and abs(near[0] - media_time) <= reach else None


class _Once:
    """The image of one moment, made once."""

    def __init__(self, pictures: DetailPictures, media_time: int) -> None:
        self._pictures = pictures
        self._media_time = media_time
        self._lock = threading.Lock()
        self._image: Image | None = None

    def __call__(self) -> Image | None:
        with self._lock:
            if self._image is None:
                self._image = self._pictures.at(self._media_time)
            return self._image
