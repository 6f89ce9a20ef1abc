import pytest

from pipeline.geometry import Corners
from pipeline.tracking.motion import Motion


def box(x: float, y: float = 0.0, side: float = 100.0) -> Corners:
    return x, y, x + side, y + side


def walked(speed: float, rate: float = 12.5, seconds: float = 1.0) -> Motion:
    """A face that has walked to the right at so many pixels a second, for a second."""
    motion = Motion(box(0), 0.0)
    for frame in range(1, round(seconds * rate) + 1):
        motion.see(box(speed * frame / rate), frame / rate)
    return motion


def test_a_face_seen_once_is_expected_where_it_was() -> None:
    assert Motion(box(30, 40), 5.0).at(6.0) == box(30, 40)


@pytest.mark.parametrize("rate", [2.0, 12.5, 30.0])
def test_a_walking_face_is_expected_further_on_whatever_the_rate(rate: float) -> None:
    motion = walked(300, rate, seconds=2)
    assert motion.at(2.5) == pytest.approx(box(750), abs=15)


def test_one_place_beside_the_way_does_not_turn_a_walk() -> None:
    motion = walked(300)
    motion.see(box(300 * 1.08, 12), 1.08)
    assert motion.at(1.16)[1] == pytest.approx(0, abs=20)


def test_a_face_that_turns_round_is_followed_within_half_a_second() -> None:
    motion = walked(300)
    for frame in range(1, 7):
        motion.see(box(300 - 300 * frame / 12.5), 1 + frame / 12.5)
    assert motion.at(1.56)[0] == pytest.approx(300 - 168, abs=15)


def test_a_gain_does_not_depend_on_how_large_a_face_is() -> None:
    small, large = Motion(box(0, 0, 10), 0.0), Motion(box(0, 0, 1000), 0.0)
    small.see(box(1, 0, 10), 0.1)
    large.see(box(100, 0, 1000), 0.1)
    assert large.at(0.3)[0] == pytest.approx(100 * small.at(0.3)[0])


def test_pictures_of_one_moment_give_no_wild_speed() -> None:
    motion = Motion(box(0), 1.0)
    motion.see(box(30), 1.0)
    motion.see(box(0), 1.0 + 1e-9)
    assert motion.at(2.0)[0] == pytest.approx(15, abs=16)
