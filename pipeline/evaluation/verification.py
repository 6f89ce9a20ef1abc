"""One probe beside one reference: false matches and false non-matches (ISO/IEC 19795-1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.evaluation.intervals import Rate, trials_wanted

Scores: TypeAlias = NDArray[np.floating]
"""[n], similarities."""

ALLOWED = (0.1, 0.01, 0.001, 0.0001)
"""False match rates at which the others are usually told."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """The scores of mated and of non-mated comparisons, [n] and [m], each in ascending order."""

    mated: Scores
    non_mated: Scores

    @classmethod
    def of(cls, mated: ArrayLike, non_mated: ArrayLike) -> "Comparisons":
        """Scores in any order."""
        return cls(_sorted(mated), _sorted(non_mated))


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold does: ``fmr`` of the non-mated match, ``fnmr`` of the mated do not."""

    threshold: float
    fmr: Rate
    fnmr: Rate


@dataclass(frozen=True, slots=True)
class TrueAccepts:
    """The mated comparisons that match (TAR, 1 - FNMR) where at most ``far`` of the others do.

    ``wanted`` non-mated comparisons it takes to show so low a rate; with fewer, ``enough`` is false
    and the threshold says little.
    """

    far: float
    threshold: float
    tar: Rate
    wanted: int
    enough: bool


@dataclass(frozen=True, slots=True)
class EqualErrors:
    """Where as many mated as non-mated comparisons are wrong."""

    rate: float
    threshold: float


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """FMR and FNMR at every threshold that makes a difference, [k] each, thresholds ascending."""

    thresholds: Scores
    fmr: Scores
    fnmr: Scores


def operating_point(scores: Comparisons, threshold: float) -> OperatingPoint:
    """FMR and FNMR at a threshold."""
    missed = int(np.searchsorted(scores.mated, threshold))
    below = int(np.searchsorted(scores.non_mated, threshold))
    return OperatingPoint(
        threshold,
        Rate.of(len(scores.non_mated) - below, len(scores.non_mated)),
        Rate.of(missed, len(scores.mated)),
    )


def accuracy(scores: Comparisons, threshold: float) -> Rate:
    """The right decisions of all: mated comparisons that match, non-mated ones that do not."""
    point = operating_point(scores, threshold)
    trials = point.fmr.trials + point.fnmr.trials
    return Rate.of(trials - point.fmr.events - point.fnmr.events, trials)


def threshold_at(non_mated: Scores, fmr: float) -> float:
    """The lowest threshold at which at most ``fmr`` of these scores, in ascending order, match.

    Without scores it is -1, which says nothing.
    """
    allowed = int(fmr * len(non_mated))
    if allowed >= len(non_mated):
        return -1.0
    return float(np.nextafter(non_mated[len(non_mated) - allowed - 1], np.inf))


def tar_at_far(scores: Comparisons, far: float) -> TrueAccepts:
    """How many mated comparisons match where at most ``far`` of the others may."""
    threshold, wanted = threshold_at(scores.non_mated, far), trials_wanted(far)
    fnmr = operating_point(scores, threshold).fnmr
    tar = Rate.of(fnmr.trials - fnmr.events, fnmr.trials)
    return TrueAccepts(far, threshold, tar, wanted, len(scores.non_mated) >= wanted)


def table(scores: Comparisons, thresholds: Sequence[float]) -> Sequence[OperatingPoint]:
    """The error rates at each of these thresholds."""
    return [operating_point(scores, threshold) for threshold in thresholds]


def curve(scores: Comparisons) -> Curve:
    """All that thresholds can do, from "everything matches" to "nothing does".

    Raises:
        ValueError: there are no mated, or no non-mated comparisons.
    """
    if not len(scores.mated) or not len(scores.non_mated):
        raise ValueError("a curve wants both mated and non-mated comparisons")
    seen = np.unique(np.concatenate([scores.mated, scores.non_mated]))
    thresholds = np.append(seen, np.nextafter(seen[-1], np.inf))
    below = np.searchsorted(scores.non_mated, thresholds) / len(scores.non_mated)
    return Curve(
        thresholds, 1 - below, np.searchsorted(scores.mated, thresholds) / len(scores.mated)
    )


def equal_errors(curve: Curve) -> EqualErrors:
    """The equal error rate (EER): the mean of both rates where they differ least.

    Of several such thresholds the one of the lowest mean, then the lowest, is told.
    """
    apart, mean = np.abs(curve.fmr - curve.fnmr), (curve.fmr + curve.fnmr) / 2
    at = int(np.lexsort((mean, apart))[0])
    return EqualErrors(float(mean[at]), float(curve.thresholds[at]))


def _sorted(scores: ArrayLike) -> Scores:
    """In ascending order, of the width they have: millions of single precision stay that."""
    given = np.asarray(scores)
    return np.sort(given if np.issubdtype(given.dtype, np.floating) else given.astype(float))
