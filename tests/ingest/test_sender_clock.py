import pytest

from ingest.sender_clock import EARLIEST, LATEST, Skew, captured_at

NOW = 1_800_000_000.0


@pytest.mark.parametrize("late", [0.0, 0.2, LATEST, -EARLIEST])
def test_a_clock_that_can_be_right_is_believed(late: float) -> None:
    assert captured_at(NOW - late, NOW) == NOW - late


@pytest.mark.parametrize("late", [LATEST + 1, -EARLIEST - 1, NOW, -3600.0])
def test_a_clock_that_was_never_set_gives_way_to_the_arrival(late: float) -> None:
    assert captured_at(NOW - late, NOW) == NOW


def test_a_clock_that_is_wrong_is_measured_and_corrected() -> None:
    skew = Skew()
    assert skew.seconds is None
    for wrong in (3600.0, -3600.0, -3.0):
        skew = Skew()
        for number in range(100):
            taken = NOW + number / 10
            late = 0.05 + 0.01 * (number % 7)
            moment = skew.corrected(taken + wrong, taken + late)
            assert moment == pytest.approx(taken + 0.05, abs=0.02)
        assert skew.seconds == pytest.approx(wrong - 0.05, abs=1e-6)


def test_pictures_that_were_held_back_are_as_old_as_they_are() -> None:
    skew = Skew()
    for wrong in (0.0, -3.0):
        for number in range(100):
            skew.corrected(NOW + number / 10 + wrong, NOW + number / 10 + 0.1)
        held, came = NOW + 10, NOW + 13
        assert captured_at(skew.corrected(held + wrong, came), came) == pytest.approx(held, abs=0.6)
        skew = Skew()


def test_a_clock_that_is_set_right_is_believed_after_a_minute() -> None:
    skew = Skew()
    for number in range(2000):
        now = NOW + number / 10
        wrong = 3600.0 if number < 100 else 0.0
        moment = captured_at(skew.corrected(now + wrong, now), now)
        assert moment == pytest.approx(now)
    assert skew.seconds == pytest.approx(0.0)
