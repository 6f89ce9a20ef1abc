"""Error rates of comparisons beside counting by hand, and what holds for any scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.verification import (
    Comparisons,
    accuracy,
    curve,
    equal_errors,
    operating_point,
    table,
    tar_at_far,
    threshold_at,
)

SCORES = st.floats(-1, 1)
SOME = st.lists(SCORES, min_size=1, max_size=60)

BY_HAND = Comparisons.of([0.9, 0.5, 0.8, 0.7], [0.1, 0.6, 0.2, 0.3, 0.8])


def test_a_comparison_matches_from_the_threshold_on() -> None:
    point = operating_point(BY_HAND, 0.8)
    assert (point.fmr.events, point.fmr.trials) == (1, 5)
    assert (point.fnmr.events, point.fnmr.trials) == (2, 4)
    above = operating_point(BY_HAND, np.nextafter(0.8, 1))
    assert (above.fmr.events, above.fnmr.events) == (0, 3)


def test_accuracy_counts_the_right_decisions_of_both_kinds() -> None:
    right = accuracy(BY_HAND, 0.65)
    assert (right.events, right.trials) == (3 + 4, 9)


def test_the_equal_error_rate_lies_where_both_errors_are_equal() -> None:
    mated, non_mated = [0.9, 0.8, 0.7, 0.4], [0.6, 0.3, 0.2, 0.1]
    found = equal_errors(curve(Comparisons.of(mated, non_mated)))
    assert found.rate == pytest.approx(0.25)
    assert 0.4 < found.threshold <= 0.6


def test_true_accepts_are_told_at_the_false_match_rate_that_is_allowed() -> None:
    non_mated = np.arange(1000) / 1000
    scores = Comparisons.of([0.995, 0.9885, 0.5, 0.9995], non_mated)
    found = tar_at_far(scores, 0.01)  # 10 of 1000 may match: 0.99 and more
    assert 0.989 < found.threshold <= 0.99
    assert (found.tar.events, found.tar.trials) == (2, 4)
    assert (found.wanted, found.enough) == (300, True)
    assert not tar_at_far(scores, 0.001).enough


def test_a_threshold_lets_no_more_match_than_allowed_although_scores_are_equal() -> None:
    assert threshold_at(np.array([0.5] * 10), 0.1) > 0.5
    assert threshold_at(np.array([0.1, 0.5, 0.5, 0.5]), 0.75) <= 0.5


def test_without_comparisons_nothing_is_claimed() -> None:
    nothing = Comparisons.of([], [])
    point = operating_point(nothing, 0.5)
    assert (point.fmr.rate, point.fnmr.rate) == (None, None)
    assert accuracy(nothing, 0.5).rate is None
    assert not tar_at_far(nothing, 0.1).enough
    with pytest.raises(ValueError, match="both"):
        curve(Comparisons.of([0.5], []))


@given(SOME, SOME, SCORES)
def test_false_matches_and_true_non_matches_are_all_non_mated_comparisons(
    mated: list[float], non_mated: list[float], threshold: float
) -> None:
    point = operating_point(Comparisons.of(mated, non_mated), threshold)
    rejected = sum(score < threshold for score in non_mated)
    assert point.fmr.rate is not None
    assert point.fmr.rate + rejected / len(non_mated) == pytest.approx(1)
    assert point.fnmr.events == sum(score < threshold for score in mated)


@given(SOME, SOME, st.lists(SCORES, min_size=2))
def test_a_higher_threshold_never_matches_more(
    mated: list[float], non_mated: list[float], thresholds: list[float]
) -> None:
    rows = table(Comparisons.of(mated, non_mated), sorted(thresholds))
    matches, misses = [row.fmr.events for row in rows], [row.fnmr.events for row in rows]
    assert matches == sorted(matches, reverse=True)
    assert misses == sorted(misses)


@given(SOME, SOME)
def test_a_curve_runs_from_all_match_to_none_does_and_never_back(
    mated: list[float], non_mated: list[float]
) -> None:
    found = curve(Comparisons.of(mated, non_mated))
    assert (found.fmr[0], found.fnmr[0]) == (1, 0)
    assert (found.fmr[-1], found.fnmr[-1]) == (0, 1)
    assert (np.diff(found.fmr) <= 0).all()
    assert (np.diff(found.fnmr) >= 0).all()
    assert 0 <= equal_errors(found).rate <= 1


@given(SOME, SOME)
def test_a_perfect_separator_has_no_equal_error(below: list[float], above: list[float]) -> None:
    scores = Comparisons.of([score + 2.5 for score in above], below)
    found = equal_errors(curve(scores))
    assert found.rate == 0
    assert accuracy(scores, found.threshold).rate == 1


@given(SOME, SOME, st.floats(1e-6, 1))
def test_the_rate_that_is_allowed_is_never_exceeded_and_the_threshold_no_higher_than_needed(
    mated: list[float], non_mated: list[float], far: float
) -> None:
    scores = Comparisons.of(mated, non_mated)
    threshold = threshold_at(scores.non_mated, far)
    rate = operating_point(scores, threshold).fmr.rate
    assert rate is not None
    assert rate <= far
    lower = operating_point(scores, np.nextafter(threshold, -2)).fmr.rate
    assert lower is not None
    assert lower > far or threshold == -1
