import pytest

from ingest.sender_clock import EARLIEST, LATEST, captured_at

NOW = 1_800_000_000.0


@pytest.mark.parametrize("late", [0.0, 0.2, LATEST, -EARLIEST])
def test_a_clock_that_can_be_right_is_believed(late: float) -> None:
    assert captured_at(NOW - late, NOW) == NOW - late


@pytest.mark.parametrize("late", [LATEST + 1, -EARLIEST - 1, NOW, -3600.0])
def test_a_clock_that_was_never_set_gives_way_to_the_arrival(late: float) -> None:
    assert captured_at(NOW - late, NOW) == NOW
