"""What an evaluation finds out, as it is told."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.identification import Identification
from pipeline.evaluation.intervals import Rate
from pipeline.evaluation.pairs import BadRow
from pipeline.evaluation.verification import (
    ALLOWED,
    Comparisons,
    EqualErrors,
    OperatingPoint,
    TrueAccepts,
    accuracy,
    curve,
    equal_errors,
    operating_point,
    table,
    tar_at_far,
)

_ROWS = 9
"""Of the table of thresholds, beside the threshold in force."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A photograph of which no template could be made, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """A pair of photographs with what came of it; None where one of them has no template.

    ``decision`` and ``truth`` are Yes or No: whether both show one person.
    """

    line: int
    file_x: str
    file_y: str
    truth: str
    similarity: float | None
    decision: str | None


@dataclass(frozen=True, slots=True)
class Verification:
    """What comparisons of two photographs do.

    ``accuracy_at_threshold`` is the part of right decisions at ``threshold``, ``accuracy`` the same
    with its counts. ``table`` has other thresholds, ascending. ``equal_errors`` is None where all
    comparisons are of one kind.
    """

    threshold: float
    accuracy_at_threshold: float | None
    accuracy: Rate
    at_threshold: OperatingPoint
    table: Sequence[OperatingPoint]
    tar_at_far: Sequence[TrueAccepts]
    equal_errors: EqualErrors | None


@dataclass(frozen=True, slots=True)
class PairsReport:
    """What pairs of photographs show.

    ``failure_to_enroll`` (FTE) counts references (file_x) without a template,
    ``failure_to_acquire`` (FTA) probes (file_y); each photograph once. A pair with such a
    photograph is not compared, so it is in no FMR, FNMR or accuracy. It is in ``false_rejects`` and
    ``false_accepts``, where it counts as "no match": the generalized rates (GFRR, GFAR) of ISO/IEC
    19795-1, counted over all pairs.
    """

    pack: str
    threshold: float
    pairs: Sequence[ComparedPair]
    bad_rows: Sequence[BadRow]
    failures: Sequence[Failure]
    failure_to_enroll: Rate
    failure_to_acquire: Rate
    false_accepts: Rate
    false_rejects: Rate
    verification: Verification


@dataclass(frozen=True, slots=True)
class WrongPair:
    """Two photographs whose comparison is wrong at the threshold in force."""

    file_x: str
    file_y: str
    similarity: float


@dataclass(frozen=True, slots=True)
class PeopleReport:
    """What photographs of people show, each compared with each.

    ``photographs`` has the usable ones. ``identification`` has the threshold in force first.
    ``false_matches`` and ``false_non_matches`` have the worst first, and not all of many.
    """

    pack: str
    threshold: float
    people: int
    photographs: int
    failures: Sequence[Failure]
    failure_to_enroll: Rate
    verification: Verification
    identification: Sequence[Identification]
    false_matches: Sequence[WrongPair]
    false_non_matches: Sequence[WrongPair]


def verification(scores: Comparisons, threshold: float) -> Verification:
    """What these comparisons do at a threshold, and at others."""
    right, both = accuracy(scores, threshold), len(scores.mated) and len(scores.non_mated)
    return Verification(
        threshold=threshold,
        accuracy_at_threshold=right.rate,
        accuracy=right,
        at_threshold=operating_point(scores, threshold),
        table=table(scores, thresholds(scores, threshold)),
        tar_at_far=[tar_at_far(scores, far) for far in ALLOWED],
        equal_errors=equal_errors(curve(scores)) if both else None,
    )


def thresholds(scores: Comparisons, threshold: float) -> Sequence[float]:
    """From where mated comparisons begin to miss to where no other matches, and ``threshold``.

    Where nothing overlaps that is the gap between both kinds.
    """
    if not len(scores.mated) or not len(scores.non_mated):
        return [threshold]
    first, last = sorted((float(scores.mated[0]), float(scores.non_mated[-1])))
    between = np.linspace(first, last, _ROWS)
    return sorted({threshold, *(round(float(one), 4) for one in between)})
