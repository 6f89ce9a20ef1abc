"""Pairs whose gains have the largest sum."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.assignment import assign, contenders


def total(gains: Mapping[tuple[int, str], float], pairs: Mapping[int, str]) -> float:
    return sum(gains[pair] for pair in pairs.items())


def test_nobody_is_taken_by_whoever_comes_first() -> None:
    gains = {(1, "Ann"): 0.960, (1, "Bob"): 0.957, (2, "Ann"): 0.958}
    assert assign(gains) == {1: "Bob", 2: "Ann"}


def test_a_longer_chain_gives_way_too() -> None:
    gains = {(1, "A"): 9, (1, "B"): 8, (2, "B"): 9, (2, "C"): 8, (3, "A"): 9}
    assert assign(gains) == {1: "B", 2: "C", 3: "A"}


def test_who_gains_nothing_is_left_out() -> None:
    assert assign({(1, "A"): 0.0, (2, "B"): -1.0}) == {}
    assert assign({}) == {}


def test_parts_that_share_nothing_are_as_good_apart() -> None:
    gains = {(row, f"{row}{letter}"): row + 1.0 for row in range(500) for letter in "ab"}
    assert len(assign(gains)) == 500


def test_a_crowd_of_one_person_is_named_once_and_the_best_of_them() -> None:
    gains = {(row, name): 0.9 + row / 10_000 for row in range(500) for name in "AB"}
    assert set(assign(gains)) == {498, 499}


def best(gains: Mapping[tuple[int, str], float], rows: int, columns: str) -> float:
    """The largest sum, by trying everything."""
    if rows == 0:
        return 0.0
    without = best(gains, rows - 1, columns)
    with_one = [
        gains[rows, column] + best(gains, rows - 1, columns.replace(column, ""))
        for column in columns
        if (rows, column) in gains
    ]
    return max([without, *with_one])


gains = st.dictionaries(
    st.tuples(st.integers(1, 5), st.sampled_from("ABCD")), st.floats(-0.5, 1.0), max_size=20
)


@given(gains)
def test_no_assignment_gains_more(gains: Mapping[tuple[int, str], float]) -> None:
    pairs = assign(gains)
    assert len(set(pairs.values())) == len(pairs)
    assert total(gains, pairs) == pytest.approx(best(gains, 5, "ABCD"))


@given(gains, st.integers(1, 5))
def test_contenders_are_enough_also_without_a_row_and_a_column(
    gains: Mapping[tuple[int, str], float], gone: int
) -> None:
    few = contenders(gains)
    assert total(few, assign(few)) == pytest.approx(total(gains, assign(gains)))
    for column in {column for row, column in few if row == gone}:
        rest, few_rest = (
            {pair: gain for pair, gain in some.items() if gone != pair[0] and column != pair[1]}
            for some in (gains, few)
        )
        assert total(few, assign(few_rest)) == pytest.approx(total(gains, assign(rest)))


def test_a_crowd_that_competes_for_a_few_is_cut_down() -> None:
    assert len(contenders({(row, name): row + 1.0 for row in range(500) for name in "AB"})) == 4
