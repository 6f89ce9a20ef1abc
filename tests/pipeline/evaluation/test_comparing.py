"""Photographs compared: pairs of a list, each with each, failures counted as such."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadInput
from pipeline.evaluation.comparing import compare_all, report_pairs, report_people
from pipeline.evaluation.pairs import BadRow
from tests.evaluations import FOLDER, FOUND, at, listed, photographs


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
