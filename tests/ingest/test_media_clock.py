from itertools import pairwise

import pytest

from ingest.media_clock import TICKS, MediaClock

NOW = 1_800_000_000.25
STEP = 3600


def test_a_connection_begins_at_unix_time_and_goes_on_by_the_cameras_pts() -> None:
    clock = MediaClock()
    clock.begin()
    given = [clock.at(777 + n * STEP, NOW + n / 30) for n in range(5)]
    assert given == [int(NOW * TICKS) + n * STEP for n in range(5)]


def test_packets_of_one_picture_have_one_media_time() -> None:
    clock = MediaClock()
    assert len({clock.at(0, NOW), clock.at(0, NOW + 0.01)}) == 1
    assert len({clock.at(STEP, NOW + 0.04), clock.at(STEP, NOW + 0.05)}) == 1


def test_pictures_that_wait_for_others_have_their_own_place() -> None:
    clock = MediaClock()
    given = [clock.at(n * STEP, NOW) for n in (0, 3, 1, 2, 6, 4, 5)]
    assert [one - given[0] for one in given] == [n * STEP for n in (0, 3, 1, 2, 6, 4, 5)]
    assert clock.latest == given[0] + 6 * STEP


def test_after_an_hour_away_it_stands_at_unix_time_again() -> None:
    clock = MediaClock()
    clock.at(0, NOW)
    clock.begin()
    assert clock.at(5 * STEP, NOW + 3600) == int((NOW + 3600) * TICKS)


@pytest.mark.parametrize("away", [0.0, 0.5, -3600.0])
def test_it_grows_over_connections_of_a_camera_whose_clock_is_fast(away: float) -> None:
    clock, given, arrived = MediaClock(), [], NOW
    for _ in range(3):
        clock.begin()
        for n in range(50):  # two seconds of video within one
            given.append(clock.at(n * STEP, arrived))
            arrived += 0.02
        arrived += away
    assert all(after > before for before, after in pairwise(given))


def test_it_goes_on_after_what_was_told_elsewhere() -> None:
    clock = MediaClock()
    clock.skip(int((NOW + 60) * TICKS))
    assert clock.at(0, NOW) == int((NOW + 60) * TICKS) + 1
    clock.skip(5)
    assert clock.at(STEP, NOW) == int((NOW + 60) * TICKS) + 1 + STEP


@pytest.mark.parametrize("leap", [-100 * TICKS, 100 * TICKS, -(2**32), 2**40])
def test_a_leap_of_the_pts_leads_to_unix_time(leap: int) -> None:
    clock = MediaClock()
    before = clock.at(1000, NOW)
    after = clock.at(1000 + leap, NOW + 0.04)
    assert after == int((NOW + 0.04) * TICKS) > before
    assert clock.at(1000 + leap + STEP, NOW + 0.08) == after + STEP


def test_where_the_first_pts_is_missing_the_next_ones_still_grow() -> None:
    clock = MediaClock()
    given = [clock.at(None, NOW), *(clock.at(n * STEP, NOW + n / 25) for n in range(1, 4))]
    assert given[0] == int(NOW * TICKS)
    assert all(after > before for before, after in pairwise(given))


def test_where_one_is_missing_it_lies_between_its_neighbours() -> None:
    clock = MediaClock()
    before, missing, after = (clock.at(pts, NOW) for pts in (0, None, STEP))
    assert before < missing < after == before + STEP
