"""Intervals beside published figures, and what holds for any counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.intervals import Rate, rule_of_three, trials_wanted, wilson


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    trials = draw(st.integers(1, 10**7))
    return draw(st.integers(0, trials)), trials


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17, 1998, p. 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(
    events: int, trials: int, low: float, high: float
) -> None:
    assert wilson(events, trials) == pytest.approx((low, high), abs=5e-5)


def test_without_an_event_the_rule_of_three_says_how_high_the_rate_may_be() -> None:
    assert Rate.of(0, 300) == Rate(0, 300, 0.0, 0.0, 0.01)
    assert Rate.of(300, 300) == Rate(300, 300, 1.0, 0.99, 1.0)
    assert (1 - rule_of_three(300)) ** 300 == pytest.approx(0.05, abs=0.002)
    assert Rate.of(0, 2).high == 1.0


def test_where_nothing_was_tried_nothing_is_known() -> None:
    assert Rate.of(0, 0) == Rate(0, 0, None, 0.0, 1.0)


def test_a_low_rate_takes_many_trials_to_show() -> None:
    assert trials_wanted(0.001) == 3000
    assert Rate.of(0, trials_wanted(0.001)).high <= 0.001


@given(counts())
def test_an_interval_contains_its_rate_and_lies_within_0_and_1(count: tuple[int, int]) -> None:
    rate = Rate.of(*count)
    assert rate.rate is not None
    assert 0 <= rate.low <= rate.rate <= rate.high <= 1


@given(counts())
def test_the_interval_of_what_did_not_happen_is_the_mirror_image(count: tuple[int, int]) -> None:
    events, trials = count
    rate, other = Rate.of(events, trials), Rate.of(trials - events, trials)
    assert rate.low == pytest.approx(1 - other.high, abs=1e-9)
    assert rate.high == pytest.approx(1 - other.low, abs=1e-9)


@given(st.integers(1, 10**4), st.integers(2, 100))
def test_more_trials_of_the_same_rate_make_a_narrower_interval(events: int, times: int) -> None:
    few, many = Rate.of(events, 3 * events), Rate.of(times * events, times * 3 * events)
    assert many.high - many.low < few.high - few.low
