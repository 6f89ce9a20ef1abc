"""Photographs compared: pairs of a list, each with each, failures counted as such."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadInput
from pipeline.evaluation.comparing import compare_all, report_pairs, report_people
from pipeline.evaluation.pairs import BadRow, Pair, PairList
from pipeline.messages import PersonId, Vector
from pipeline.photographs import Photograph

FOLDER = Path("photographs")


def at(degrees: float) -> Vector:
    angle = np.radians(degrees)
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


FOUND: dict[Path, Vector | str] = {
    FOLDER / "a/1": at(0),
    FOLDER / "a/2": at(20),
    FOLDER / "b/1": at(30),
    FOLDER / "b/2": at(100),
    FOLDER / "c/1": "no face was found in it",
}


def listed(*pairs: tuple[str, str, bool], bad: Sequence[BadRow] = ()) -> PairList:
    return PairList([Pair(n, x, y, mated=same) for n, (x, y, same) in enumerate(pairs, 2)], bad)


def test_every_pair_has_its_similarity_and_decision_and_failures_are_counted_apart() -> None:
    pairs = listed(
        ("a/1", "a/2", True),
        ("a/2", "b/1", False),
        ("b/1", "b/2", True),
        ("a/1", "b/2", False),
        ("c/1", "a/1", True),
        ("a/1", "c/1", False),
        bad=[BadRow(9, "nonsense")],
    )
    found, scores = report_pairs(pairs, FOLDER, FOUND, pack="p", threshold=0.9)
    decisions = [pair.decision for pair in found.pairs]
    assert decisions == ["Yes", "Yes", "No", "No", None, None]
    assert found.pairs[0].similarity == pytest.approx(np.cos(np.radians(20)), abs=1e-6)
    assert (len(scores.mated), len(scores.non_mated)) == (2, 2)
    assert found.verification.accuracy_at_threshold == 0.5
    assert [failure.file for failure in found.failures] == ["c/1"]
    assert (found.failure_to_enroll.events, found.failure_to_enroll.trials) == (1, 4)
    assert (found.failure_to_acquire.events, found.failure_to_acquire.trials) == (1, 5)
    assert (found.false_rejects.events, found.false_rejects.trials) == (2, 3)
    assert (found.false_accepts.events, found.false_accepts.trials) == (1, 3)
    assert found.bad_rows == [BadRow(9, "nonsense")]


def test_pairs_of_one_kind_have_no_equal_error() -> None:
    found, _ = report_pairs(listed(("a/1", "a/2", True)), FOLDER, FOUND, pack="p", threshold=0.9)
    assert found.verification.equal_errors is None
    assert found.verification.at_threshold.fmr.rate is None
    assert found.verification.accuracy_at_threshold == 1


def test_where_nothing_could_be_compared_the_reason_is_said() -> None:
    with pytest.raises(BadInput, match="no face was found"):
        report_pairs(listed(("c/1", "a/1", True)), FOLDER, FOUND, pack="p", threshold=0.9)


def photographs() -> list[Photograph]:
    return [Photograph(PersonId(path.parent.name), path) for path in FOUND]


def test_people_are_compared_each_with_each_and_the_wrong_ones_are_named() -> None:
    found, scores = report_people(photographs(), FOLDER, FOUND, pack="p", threshold=0.9)
    assert (found.people, found.photographs) == (2, 4)
    assert (len(scores.mated), len(scores.non_mated)) == (2, 4)
    assert (found.failure_to_enroll.events, found.failure_to_enroll.trials) == (1, 5)
    assert [(one.file_x, one.file_y) for one in found.false_matches] == [("a/2", "b/1")]
    assert [(one.file_x, one.file_y) for one in found.false_non_matches] == [("b/1", "b/2")]
    first = found.identification[0]
    assert (first.threshold, first.fpir.events, first.fpir.trials) == (0.9, 2, 4)
    assert (first.fnir.events, first.fnir.trials) == (3, 4)
    thresholds = [row.threshold for row in found.verification.table]
    assert thresholds == sorted(thresholds)
    assert 0.9 in thresholds


def test_one_photograph_is_compared_with_nothing() -> None:
    with pytest.raises(BadInput, match="1 photographs in photographs can be used"):
        report_people(photographs()[:1], FOLDER, FOUND, pack="p", threshold=0.9)


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 360)), min_size=1, max_size=30))
def test_every_two_templates_are_compared_once(faces: list[tuple[int, float]]) -> None:
    owners = np.array([owner for owner, _ in faces])
    scores = compare_all(np.stack([at(degrees) for _, degrees in faces]), owners)
    mated = sum((owners[:at] == owners[at]).sum() for at in range(len(owners)))
    assert len(scores.mated) == mated
    assert len(scores.mated) + len(scores.non_mated) == len(faces) * (len(faces) - 1) // 2
