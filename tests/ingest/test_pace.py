"""How many pictures are wanted of which stream."""

import numpy as np
import pytest

from ingest.access_units import Need
from ingest.options import Analysed
from ingest.pace import Pace

GROUP = [Need.KEY, *[Need.REFERENCE] * 24]


def wanted(analysed: Analysed, moments: "np.ndarray | list[float]") -> list[float]:
    pace = Pace()
    return [
        float(at)
        for number, at in enumerate(moments)
        if pace.wants(GROUP[number % 25], float(at), analysed)
    ]


def test_all_are_wanted_or_key_pictures_alone() -> None:
    moments = np.arange(50) / 25
    assert len(wanted("all", moments)) == 50
    assert wanted("keys", moments) == [0.0, 1.0]


@pytest.mark.parametrize("rate", [0.5, 2, 5, 7.3, 12.5, 24])
@pytest.mark.parametrize("jitter", [0, 0.015])
def test_so_many_a_second_are_wanted_however_unpunctual_the_camera(
    rate: float, jitter: float
) -> None:
    chance = np.random.default_rng(7)
    moments = 1000 + np.arange(25 * 60) / 25 + chance.uniform(-jitter, jitter, 25 * 60)
    at = wanted(rate, moments)
    assert len(at) == pytest.approx(rate * 60, abs=1 + rate * 60 * 0.01)
    assert np.diff(at).min() > 0.5 / rate - 0.04
    assert np.diff(at).max() < 1.5 / rate + 0.08


def test_a_camera_that_sends_no_more_than_is_wanted_loses_none() -> None:
    chance = np.random.default_rng(3)
    moments = np.arange(1000) / 12.5 + chance.uniform(-0.018, 0.018, 1000)
    assert len(wanted(12.5, moments)) == pytest.approx(1000, abs=5)
    assert len(wanted(50, moments)) == 1000


def test_after_a_gap_what_was_missed_is_not_made_up_for() -> None:
    moments = [*np.arange(0, 2, 0.04), *np.arange(60, 62, 0.04)]
    assert len([at for at in wanted(5, moments) if at >= 60]) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("leap", [-3600.0, -1.5, 3600.0])
def test_a_clock_that_leaps_stops_nothing(leap: float) -> None:
    moments = [*np.arange(0, 4, 0.04), *(leap + np.arange(4, 8, 0.04))]
    assert len(wanted(5, moments)) == pytest.approx(40, abs=2)


def test_pictures_that_stand_in_another_order_are_no_leap() -> None:
    moments = np.arange(250) / 25
    reordered = moments.reshape(-1, 5)[:, [4, 0, 1, 2, 3]].ravel()
    assert len(wanted(5, reordered)) == pytest.approx(50, abs=2)


def test_the_rate_can_be_another_at_any_moment() -> None:
    pace = Pace()
    first = sum(pace.wants(Need.REFERENCE, at, 1) for at in np.arange(0, 10, 0.04))
    then = sum(pace.wants(Need.REFERENCE, at, 10) for at in np.arange(10, 20, 0.04))
    assert first == pytest.approx(10, abs=1)
    assert then == pytest.approx(100, abs=2)


@pytest.mark.parametrize(
    ("analysed", "floor"),
    [
        ("all", Need.DISPOSABLE),
        ("keys", Need.KEY),
        (0.5, Need.KEY),
        (0.9, Need.DISPOSABLE),
        (5, Need.DISPOSABLE),
    ],
)
def test_key_pictures_alone_are_decoded_where_they_are_enough(
    analysed: Analysed, floor: Need
) -> None:
    pace = Pace()
    for number in range(75):
        pace.wants(GROUP[number % 25], number / 25, analysed)
    assert pace.floor(analysed) is floor
