"""How many frames a source offers, how many are taken, and whether that is too few."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_PERIOD = 2.0
"""Seconds over which rates are measured."""
_PATIENCE = 3
"""Periods in a row that must say the same before it is believed: what comes and goes within
seconds is no state."""
_TOO_FEW = 0.8
_ENOUGH = 0.95
"""Parts of the frames that are taken; between the two nothing changes."""


@dataclass(frozen=True, slots=True)
class Load:
    """Frames a second: those there were, and those of them that were taken for analysis."""

    asked: float
    got: float


class LoadMeter:
    """Two running totals become rates.

    Args:
        clock: seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun = clock()
        self._before = (0, 0)

    def update(self, asked: int, got: int) -> Load | None:
        """The rates since the last answer, where a period is over; else None."""
        passed = self._clock() - self._begun
        if passed < _PERIOD:
            return None
        load = Load((asked - self._before[0]) / passed, (got - self._before[1]) / passed)
        self._begun += passed
        self._before = (asked, got)
        return load


class Overload:
    """Whether too few frames are taken; it does not change its mind at once."""

    def __init__(self) -> None:
        self.lasts = False
        self._against = 0

    def update(self, load: Load) -> bool:
        """``lasts``, now that one more period is known."""
        other = load.got >= _ENOUGH * load.asked if self.lasts else load.got < _TOO_FEW * load.asked
        self._against = self._against + 1 if other else 0
        if self._against == _PATIENCE:
            self.lasts, self._against = not self.lasts, 0
        return self.lasts
