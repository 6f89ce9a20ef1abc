"""Which of a camera's pictures are meant for analysis."""

from ingest.access_units import Need
from ingest.options import Analysed

_EARLY = 0.25
"""Part of the distance between two pictures that are wanted by which one may come early: cameras
are not punctual, and a picture that is just too early would be missed for the next one."""
_LATE = 0.2
"""Seconds by which one more may be late and is still made up for."""
_BACK = 1.0
"""Seconds that a camera's clock may go back: pictures that wait for others do so, by less."""
_SPARE = 1.25
"""Key pictures alone do where there are so many times as many of them as are wanted."""


class Pace:
    """Counts when one more picture of a camera is wanted: each, each key picture, or N a second."""

    def __init__(self) -> None:
        self._next = self._distance = float("-inf")
        self._key_at = float("-inf")
        self._key_interval = float("inf")

    def wants(self, need: Need, at: float, analysed: Analysed) -> bool:
        """Whether, with this picture, one more is wanted.

        Args:
            need: what other pictures need of it.
            at: when it came, in seconds from anywhere.
            analysed: how many are wanted; it may be another each time.
        """
        if need is Need.KEY:
            self._key_interval, self._key_at = at - self._key_at, at
        if isinstance(analysed, str):
            return analysed == "all" or need is Need.KEY
        return self._is_time(at, 1 / analysed)

    def floor(self, analysed: Analysed) -> Need:
        """What need not be decoded for that: nothing below it is wanted."""
        if analysed == "keys":
            return Need.KEY
        rare = not isinstance(analysed, str) and self._key_interval * analysed * _SPARE <= 1
        return Need.KEY if rare else Need.DISPOSABLE

    def _is_time(self, at: float, distance: float) -> bool:
        if distance < self._distance:  # it was changed: the last one waits no longer than that
            self._next = min(self._next, at + distance)
        self._distance = distance
        if not self._next - distance - _BACK <= at <= self._next + distance + _LATE:
            self._next = at  # after a gap, or where its clock leapt
        if at < self._next - _EARLY * distance:
            return False
        self._next += distance
        return True
