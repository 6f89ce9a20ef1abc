"""Photographs become comparisons: the pairs of a list, or each photograph with each."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadInput
from pipeline.evaluation.identification import Owners, blocks, identification, neighbours
from pipeline.evaluation.intervals import Rate
from pipeline.evaluation.pairs import Pair, PairList
from pipeline.evaluation.photographs import Templates
from pipeline.evaluation.reports import (
    ComparedPair,
    Failure,
    PairsReport,
    PeopleReport,
    WrongPair,
    thresholds,
    verification,
)
from pipeline.evaluation.verification import Comparisons
from pipeline.messages import Vectors
from pipeline.photographs import Photograph

_TOLD = 100
"""Wrong pairs of each kind at the most."""
_WORDS = {True: "Yes", False: "No"}


def report_pairs(
    listed: PairList, images: Path, found: Templates, *, pack: str, threshold: float
) -> tuple[PairsReport, Comparisons]:
    """What the pairs of a list show, and their scores.

    Raises:
        BadInput: no pair could be compared.
    """
    pairs = [_compared(pair, images, found, threshold) for pair in listed.pairs]
    scores = Comparisons.of(
        *(
            [one.similarity for one in pairs if one.similarity is not None and one.truth == truth]
            for truth in ("Yes", "No")
        )
    )
    if not len(scores.mated) + len(scores.non_mated):
        raise BadInput(f"no pair of {len(pairs)} could be compared: {_first_reason(found)}")
    report = PairsReport(
        pack=pack,
        threshold=threshold,
        pairs=pairs,
        bad_rows=listed.bad_rows,
        failures=failures(found, images),
        failure_to_enroll=_failed((images / pair.file_x for pair in listed.pairs), found),
        failure_to_acquire=_failed((images / pair.file_y for pair in listed.pairs), found),
        false_accepts=_decided(pairs, truth="No", wrong={"Yes"}),
        false_rejects=_decided(pairs, truth="Yes", wrong={"No", None}),
        verification=verification(scores, threshold),
    )
    return report, scores


def report_people(
    photographs: Sequence[Photograph],
    folder: Path,
    found: Templates,
    *,
    pack: str,
    threshold: float,
) -> tuple[PeopleReport, Comparisons]:
    """What photographs of people show, each compared with each, and the scores.

    Raises:
        BadInput: fewer than two of them can be used.
    """
    usable = [one for one in photographs if not isinstance(found[one.path], str)]
    if len(usable) < 2:  # noqa: PLR2004 - it takes two to compare
        raise BadInput(f"{len(usable)} photographs in {folder} can be used: {_first_reason(found)}")
    vectors = np.stack([np.asarray(found[one.path], np.float32) for one in usable])
    people, owners = np.unique([one.person for one in usable], return_inverse=True)
    scores, near = compare_all(vectors, owners), neighbours(vectors, owners)
    names = [str(one.path.relative_to(folder)) for one in usable]
    others = [one for one in thresholds(scores, threshold) if one != threshold]
    report = PeopleReport(
        pack=pack,
        threshold=threshold,
        people=len(people),
        photographs=len(usable),
        failures=failures(found, folder),
        failure_to_enroll=_failed((one.path for one in photographs), found),
        verification=verification(scores, threshold),
        identification=[identification(near, owners, at) for at in (threshold, *others)],
        false_matches=wrong_pairs(vectors, owners, names, threshold, mated=False),
        false_non_matches=wrong_pairs(vectors, owners, names, threshold, mated=True),
    )
    return report, scores


def compare_all(vectors: Vectors, owners: Owners) -> Comparisons:
    """The scores of all templates [n, dimension], each pair once."""
    mated, non_mated = list[NDArray[np.float32]](), list[NDArray[np.float32]]()
    for rows in blocks(len(vectors)):
        similarities, later, same = _later(vectors, owners, rows)
        mated.append(similarities[later & same])
        non_mated.append(similarities[later & ~same])
    return Comparisons.of(np.concatenate(mated), np.concatenate(non_mated))


def wrong_pairs(
    vectors: Vectors, owners: Owners, names: Sequence[str], threshold: float, *, mated: bool
) -> Sequence[WrongPair]:
    """The mated pairs below the threshold, or the others from it on: the worst of them first."""
    worst: list[tuple[float, int, int]] = []
    for rows in blocks(len(vectors)):
        similarities, later, same = _later(vectors, owners, rows)
        wrong = (similarities < threshold) & same if mated else (similarities >= threshold) & ~same
        for row, column in np.argwhere(wrong & later):
            similarity = float(similarities[row, column])
            worst.append((similarity, rows.start + int(row), int(column)))
        worst = sorted(worst, reverse=not mated)[:_TOLD]
    return [WrongPair(names[one], names[other], round(value, 4)) for value, one, other in worst]


def failures(found: Templates, folder: Path) -> Sequence[Failure]:
    """The photographs without a template, by their names in the folder."""
    return [
        Failure(str(path.relative_to(folder)), outcome)
        for path, outcome in sorted(found.items(), key=lambda item: item[0])
        if isinstance(outcome, str)
    ]


def _later(
    vectors: Vectors, owners: Owners, rows: slice
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Similarities [rows, n], which of them are with later rows, and which are of one person."""
    numbers = np.arange(len(vectors))
    later = numbers[rows, None] < numbers
    return vectors[rows] @ vectors.T, later, owners[rows, None] == owners


def _compared(pair: Pair, images: Path, found: Templates, threshold: float) -> ComparedPair:
    one, other = found[images / pair.file_x], found[images / pair.file_y]
    similarity = decision = None
    if not isinstance(one, str) and not isinstance(other, str):
        similarity = round(float(np.dot(one, other)), 6)
        decision = _WORDS[similarity >= threshold]
    truth = _WORDS[pair.mated]
    return ComparedPair(pair.line, pair.file_x, pair.file_y, truth, similarity, decision)


def _failed(photographs: Iterable[Path], found: Templates) -> Rate:
    """How many of these have no template, each counted once."""
    different = set(photographs)
    return Rate.of(sum(isinstance(found[path], str) for path in different), len(different))


def _decided(pairs: Sequence[ComparedPair], *, truth: str, wrong: set[str | None]) -> Rate:
    """How many pairs of one kind got a wrong decision."""
    decisions = [pair.decision for pair in pairs if pair.truth == truth]
    return Rate.of(sum(decision in wrong for decision in decisions), len(decisions))


def _first_reason(found: Templates) -> str:
    reasons = [outcome for outcome in found.values() if isinstance(outcome, str)]
    return reasons[0] if reasons else "there are no others"
