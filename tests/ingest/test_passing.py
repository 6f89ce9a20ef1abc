import pytest

from ingest.media_clock import TICKS
from ingest.nal_units import START
from ingest.passing import Passing
from ingest.playable import Playable

BASELINE = bytes.fromhex("6742c015da0a11f961000003000100000300328f162ea0")
"""x264's, for 160x120."""
HIGH_10 = b"\x67\x6e" + BASELINE[2:]
PPS = bytes.fromhex("68ce0fc8")
OTHER_PPS = b"\x68\x40"
KEY = b"\x65\x88\x84\x3a"
P = b"\x41\x9a\x24\x6c"
B = b"\x41\xa0"  # first_mb_in_slice 0: 1, slice_type 1: 010
AUD = b"\x09\xf0"
STEP = 3600


def unit(*units: bytes) -> bytes:
    return b"".join(START + one for one in units)


def test_pictures_are_passed_untouched_from_the_first_key_picture_on() -> None:
    passing, key = Passing(b""), unit(AUD, BASELINE, PPS, KEY)
    assert passing.ready(unit(P), 0, key=False) is None
    assert passing.ready(key, STEP, key=True) == Playable(STEP, True, False, key)
    after = passing.ready(unit(P, P), 2 * STEP, key=False)
    assert after == Playable(2 * STEP, False, False, unit(P, P))
    assert passing.problem == ""


def test_what_was_announced_stands_in_front_of_each_key_picture_that_lacks_it() -> None:
    passing = Passing(unit(BASELINE, OTHER_PPS, PPS))
    for place in (0, 2):
        ready = passing.ready(unit(KEY), place * STEP, key=True)
        assert ready is not None
        assert ready.data == unit(BASELINE, PPS, OTHER_PPS, KEY)
        ready = passing.ready(unit(P), (place + 1) * STEP, key=False)
        assert ready is not None
        assert ready.data == unit(P)


def test_the_latest_parameter_sets_count_wherever_they_came() -> None:
    passing, newer = Passing(unit(BASELINE, PPS)), BASELINE[:-1] + b"\xa8"
    passing.ready(unit(KEY), 0, key=True)
    passing.ready(unit(newer, P), STEP, key=False)
    ready = passing.ready(unit(KEY), 2 * STEP, key=True)
    assert ready is not None
    assert ready.data == unit(newer, PPS, KEY)


def test_without_parameter_sets_nothing_can_be_played() -> None:
    assert Passing(b"").ready(unit(KEY), 0, key=True) is None


@pytest.mark.parametrize(
    ("then", "step", "said"),
    [
        (unit(B), STEP, "B-frames"),
        (unit(P, B), STEP, "B-frames"),
        (unit(P), -STEP, "order"),
        (unit(P), 0, "order"),
        (unit(P), 10 * TICKS + 1, "10 s apart"),
        (unit(HIGH_10, PPS, KEY), STEP, "its profile is 110"),
    ],
    ids=["B", "P and B", "back", "again", "late", "other set"],
)
def test_what_cannot_be_played_is_seen_by_what_comes(then: bytes, step: int, said: str) -> None:
    passing, first = Passing(b""), unit(BASELINE, PPS, KEY)
    assert passing.ready(first, 90 * TICKS, key=True) is not None
    assert passing.ready(then, 90 * TICKS + step, key=False) is None
    assert said in passing.problem
    assert passing.ready(first, 200 * TICKS, key=True) is None


def test_where_no_key_picture_ever_comes_it_cannot_be_played() -> None:
    passing = Passing(unit(BASELINE, PPS))
    for second in range(12):
        assert passing.ready(unit(P), second * TICKS, key=False) is None
        assert bool(passing.problem) == (second > 10)


def test_what_is_announced_may_be_enough_to_know_it() -> None:
    assert "its profile is 110" in Passing(unit(HIGH_10, PPS)).problem


def test_ten_seconds_from_key_to_key_are_no_problem() -> None:
    passing, key = Passing(b""), unit(BASELINE, PPS, KEY)
    for second in range(0, 60, 5):
        due = second % 10 == 0
        assert passing.ready(key if due else unit(P), second * TICKS, key=due)
    assert passing.problem == ""
