"""How sure is a rate that was counted?"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""1.96: so many standard deviations to each side."""
_THREE = 3.0
"""-ln(0.05), rounded up: of the rule of three."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many events in so many trials.

    ``rate`` is None where nothing was tried. From ``low`` to ``high`` is its 95 % confidence
    interval: that of Wilson, or by the rule of three where all trials ended alike. Both hold for
    independent trials. Comparisons of the same few people are not independent: then the truth may
    well lie outside.
    """

    events: int
    trials: int
    rate: float | None
    low: float
    high: float

    @classmethod
    def of(cls, events: int, trials: int) -> Self:
        """The rate of ``events`` (0 to ``trials``) in ``trials``."""
        if not trials:
            return cls(0, 0, None, 0.0, 1.0)
        if events in {0, trials}:
            far = rule_of_three(trials)
            low, high = (0.0, far) if not events else (1 - far, 1.0)
        else:
            low, high = wilson(events, trials)
        return cls(events, trials, events / trials, low, high)


def wilson(events: int, trials: int) -> tuple[float, float]:
    """The score interval of a rate that is neither 0 nor 1.

    E. B. Wilson, Journal of the American Statistical Association 22, 1927, p. 209-212. It holds its
    level also for small rates and few trials, where p ± z·sqrt(p(1-p)/n) does not.
    """
    part, square = events / trials, _Z**2
    middle = (part + square / (2 * trials)) / (1 + square / trials)
    half = math.sqrt(part * (1 - part) / trials + square / (4 * trials**2))
    half *= _Z / (1 + square / trials)
    return middle - half, middle + half


def rule_of_three(trials: int) -> float:
    """The highest rate (95 %) that goes with no event in ``trials``: 3/n.

    ISO/IEC 19795-1 (rule of 3); J. A. Hanley, A. Lippman-Hand, JAMA 249, 1983, p. 1743-1745.
    """
    return min(1.0, _THREE / trials)


def trials_wanted(rate: float) -> int:
    """How many trials without an event show (95 %) that a rate is at most this one, above 0."""
    return math.ceil(_THREE / rate)
