"""Two streams of one camera, whose media times begin and run apart, by one clock."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from ingest.media_clock import TICKS
from ingest.same_moment import OwnTime, SameMoment, Timing
from ingest.sender_clock import Stamp

_BEGAN = 1_700_000_000.0


@dataclass(frozen=True)
class Sent:
    """How a stream comes: when each picture was taken, and how its numbers are off."""

    delay: float
    jitter: float = 0.0
    ahead: int = 0
    """Ticks of its media times beside the moment's."""
    reports: bool = True
    wrong: float = 0.0
    """Seconds by which the camera's clock is ahead."""

    def pictures(self, moments: Sequence[float], seed: int) -> Iterator[tuple[float, Stamp]]:
        late = random.Random(seed)  # noqa: S311 - no secret
        for moment in moments:
            arrived = moment + self.delay + late.uniform(0, self.jitter)
            reported = moment + self.wrong if self.reports else None
            yield arrived, Stamp(round(moment * TICKS) + self.ahead, arrived, None, reported)


def moments(rate: float, seconds: float) -> Sequence[float]:
    return [_BEGAN + number / rate for number in range(round(seconds * rate))]


def placed(analysed: Sent, further: Sent, seconds: float = 12.0) -> tuple[list[int], SameMoment]:
    """By how many ticks each picture of the further stream is told wrong."""
    pace = OwnTime()
    other = SameMoment(pace)
    events: list[tuple[float, float, Stamp, Timing]] = []
    streams: Sequence[tuple[Timing, Sent, float, int]] = (
        (pace, analysed, 12.5, 1),
        (other, further, 25.0, 2),
    )
    for timing, sent, rate, seed in streams:
        timing.begin()
        times = moments(rate, seconds)
        for moment, (arrived, stamp) in zip(times, sent.pictures(times, seed), strict=True):
            events.append((arrived, moment, stamp, timing))
    wrong = []
    for arrived, moment, stamp, timing in sorted(events, key=lambda event: event[0]):
        told = timing.placed(stamp, arrived).media_time
        if timing is other:
            wrong.append(told - round(moment * TICKS) - analysed.ahead)
    return wrong, other


@pytest.mark.parametrize("wrong", [0.0, -3600.0, 86_400.0])
def test_by_the_cameras_own_clock_the_moment_is_met_whatever_that_clock_says(wrong: float) -> None:
    low = Sent(delay=0.05, jitter=0.08, ahead=700_000, wrong=wrong)
    high = Sent(delay=0.4, jitter=0.1, ahead=-12_345, wrong=wrong)
    off, other = placed(low, high)
    assert other.exact
    settled = off[50:]
    assert len(settled) > 200
    assert max(map(abs, settled)) <= 2


@pytest.mark.parametrize("silent", ["analysed", "further", "both"])
def test_without_reports_it_is_estimated_to_the_difference_of_the_delays(silent: str) -> None:
    low = Sent(delay=0.05, jitter=0.08, ahead=700_000, reports=silent == "further")
    high = Sent(delay=0.09, jitter=0.08, ahead=-12_345, reports=silent == "analysed")
    off, other = placed(low, high)
    assert not other.exact
    settled = off[100:]
    assert len(settled) > 150
    # Told late by 40 ms, the difference; the least delays are not met to the millisecond.
    assert all(0.03 * TICKS < ticks < 0.05 * TICKS for ticks in settled)


def test_where_reports_come_later_pictures_stay_in_order_until_it_is_exact() -> None:
    pace = OwnTime()
    other = SameMoment(pace)
    times = moments(25, 8)
    told = []
    for number, moment in enumerate(times):
        reported = moment if number > 100 else None
        pace.placed(Stamp(round(moment * TICKS), moment, None, reported), moment + 0.02)
        late = Stamp(round(moment * TICKS) + 5_000_000, moment, None, reported)
        told.append(other.placed(late, moment + 0.15).media_time)
        assert other.exact == (told[-1] == round(moment * TICKS))
    assert all(after > before for before, after in pairwise(told))
    assert other.exact
    assert told[90] - round(times[90] * TICKS) == pytest.approx(0.13 * TICKS, abs=2)


def test_before_the_analysed_stream_is_there_its_own_times_are_kept() -> None:
    other = SameMoment(OwnTime())
    assert other.placed(Stamp(77, _BEGAN, None, _BEGAN), _BEGAN).media_time == 77
    assert not other.exact
