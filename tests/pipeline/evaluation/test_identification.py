"""Searches with somebody left out, beside the same done one by one."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation import identification as under_test
from pipeline.evaluation.identification import NONE, identification, missing, neighbours


def unit(rows: Sequence[Sequence[float]]) -> np.ndarray:
    table = np.array(rows, np.float32)
    return np.asarray(table / np.linalg.norm(table, axis=1, keepdims=True), np.float32)


@st.composite
def galleries(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    count = draw(st.integers(1, 25))
    owners = np.array(draw(st.lists(st.integers(0, 5), min_size=count, max_size=count)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    return unit(random.normal(size=(count, 4)).tolist()), owners


def one_by_one(vectors: np.ndarray, owners: np.ndarray, probe: int) -> tuple[float, float]:
    """The best of the probe's own person without the probe, and the best of anybody else."""
    own, other = NONE, NONE
    for row, vector in enumerate(vectors):
        similarity = float(vectors[probe] @ vector)
        if owners[row] != owners[probe]:
            other = max(other, similarity)
        elif row != probe:
            own = max(own, similarity)
    return own, other


@given(galleries(), st.integers(1, 200))
def test_neighbours_are_those_of_a_search_one_by_one_whatever_the_blocks(
    gallery: tuple[np.ndarray, np.ndarray], block: int
) -> None:
    vectors, owners = gallery
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(under_test, "_BLOCK", block)
        near = neighbours(vectors, owners)
    for probe in range(len(vectors)):
        own, other = one_by_one(vectors, owners, probe)
        assert near.own[probe] == pytest.approx(own, abs=1e-5)
        assert near.other[probe] == pytest.approx(other, abs=1e-5)
        if own > NONE:
            assert owners[near.own_at[probe]] == owners[probe]
            assert near.own_at[probe] != probe
        if other > NONE:
            assert owners[near.other_at[probe]] != owners[probe]


@given(galleries(), st.floats(-1, 1), st.floats(0, 1))
def test_a_higher_threshold_finds_fewer_strangers_and_misses_more_of_the_enrolled(
    gallery: tuple[np.ndarray, np.ndarray], threshold: float, more: float
) -> None:
    vectors, owners = gallery
    near = neighbours(vectors, owners)
    low = identification(near, owners, threshold)
    high = identification(near, owners, threshold + more)
    assert high.fpir.events <= low.fpir.events
    assert high.fnir.events >= low.fnir.events
    assert high.fpir.trials == low.fpir.trials
    assert high.fnir.trials == low.fnir.trials


def test_strangers_and_enrolled_are_counted_by_hand() -> None:
    """Ann has two templates close to each other, Bob two far apart, Cid one beside Ann's."""
    vectors = unit([[1, 0, 0], [1, 0.1, 0], [0, 0, 1], [0, 1, 0.2], [1, 0.3, 0]])
    owners = np.array([0, 0, 1, 1, 2])
    found = identification(neighbours(vectors, owners), owners, 0.9)
    assert found.enrolled == 3
    assert (found.fpir.events, found.fpir.trials) == (3, 5)  # Ann finds Cid twice, Cid finds Ann
    # Bob's two are too far apart; Ann's second one is nearer to her first than to Cid.
    assert (found.fnir.events, found.fnir.trials) == (2, 4)


def test_somebody_else_who_is_as_near_is_a_miss() -> None:
    vectors, owners = unit([[1, 0], [1, 0], [1, 0]]), np.array([0, 0, 1])
    near = neighbours(vectors, owners)
    assert missing(near, 0.5).tolist() == [True, True, True]
    assert identification(near, owners, 0.5).fnir.trials == 2


@pytest.mark.parametrize("count", [0, 1])
def test_a_gallery_of_nobody_or_of_one_face_has_no_rates(count: int) -> None:
    vectors, owners = np.ones((count, 1), np.float32), np.zeros(count, np.intp)
    found = identification(neighbours(vectors, owners), owners, 0.5)
    assert (found.enrolled, found.fpir.rate, found.fnir.rate) == (count, None, None)
