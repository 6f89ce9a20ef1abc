"""Who shares a run of a network, when it goes, who is served first.

A simulation drives it: devices whose run times are scripted, a clock of its own, no thread.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.calls import Call
from pipeline.waiting import Request, Waiting

PATIENCE = 0.01
Asking = Request[tuple[str, ...]]
Line = Waiting[tuple[str, ...]]


def request(asker: object, at: float = 0.0, rows: int = 1, width: int = 4) -> Asking:
    return Request(np.zeros((rows, width), np.float32), ("out",), Call(asker), at)


def askers(batch: Sequence[Asking]) -> list[object]:
    return [one.call.asker for one in batch]


def line(most: int, *requests: Asking) -> Line:
    waiting = Line(most, PATIENCE)
    for one in requests:
        waiting.put(one)
    return waiting


def test_nobody_waits_for_nothing() -> None:
    waiting = line(4)
    assert waiting.delay(0) is None
    assert waiting.take(1e9) == []
    assert len(waiting) == 0


def test_a_full_batch_goes_at_once() -> None:
    waiting = line(2, request("a"), request("b"))
    assert waiting.delay(0) == 0
    assert askers(waiting.take(0)) == ["a", "b"]


def test_a_batch_that_is_not_full_goes_when_its_oldest_has_waited_long_enough() -> None:
    waiting = line(4, request("a", 5.0), request("b", 5.004))
    assert waiting.delay(5.004) == pytest.approx(0.006)
    assert waiting.take(5.009) == []
    assert askers(waiting.take(5.0 + PATIENCE)) == ["a", "b"]
    assert waiting.delay(6) is None


def test_a_camera_with_many_faces_does_not_keep_another_waiting() -> None:
    waiting = line(4, *(request("crowd", rows=1) for _ in range(9)), request("one"), request("two"))
    assert askers(waiting.take(0)) == ["crowd", "one", "two", "crowd"]
    assert askers(waiting.take(0)) == ["crowd"] * 4


def test_who_was_served_stands_behind_the_others() -> None:
    waiting = line(2, *(request(name) for name in "aaabbbccc"))
    served = [askers(waiting.take(0)) for _ in range(4)]
    assert served == [["a", "b"], ["c", "a"], ["b", "c"], ["a", "b"]]


def test_only_equal_shapes_and_outputs_share_a_run() -> None:
    waiting = line(4, request("a", 0, width=4), request("b", 0.001, width=5), request("c", 0.002))
    assert askers(waiting.take(1)) == ["a", "c"]
    assert askers(waiting.take(1)) == ["b"]


def test_of_two_batches_that_are_due_the_older_goes_first_even_if_the_other_is_full() -> None:
    old = request("old", 0, width=5)
    waiting = line(2, *(request("busy", 0.001 * n) for n in range(1, 7)), old)
    assert waiting.take(PATIENCE)[0] is old


def test_rows_of_one_request_stay_together() -> None:
    waiting = line(4, request("a", rows=3), request("b", rows=2), request("c", rows=1))
    assert askers(waiting.take(1)) == ["a"]
    assert askers(waiting.take(1)) == ["b", "c"]


def test_what_nobody_waits_for_is_dropped_and_nothing_else() -> None:
    stay, go = request("a"), request("a")
    waiting = line(4, stay, go, request("b"))
    go.call.gone = True
    assert waiting.drop() == [go]
    assert waiting.drop() == []
    assert len(waiting) == 2
    assert waiting.take(1)[0] is stay


def test_emptied_it_holds_nothing() -> None:
    waiting = line(4, request("a"), request("b", width=9))
    assert len(waiting.empty()) == 2
    assert (len(waiting), waiting.delay(0)) == (0, None)


# A simulation


@dataclass
class Seen:
    """What became of the requests of a simulated day."""

    runs: list[tuple[float, list[Asking]]] = field(default_factory=list)
    dropped: list[Asking] = field(default_factory=list)


@dataclass(frozen=True)
class Arrival:
    at: float
    asker: int
    rows: int
    width: int
    gone_after: float | None


def simulated(
    arrivals: Sequence[Arrival], times: Sequence[float], devices: int, most: int
) -> tuple[Seen, list[Asking]]:
    """Devices that take the next batch whenever they are idle; run times are those of ``times``."""
    waiting, seen, requests = Line(most, PATIENCE), Seen(), list[Asking]()
    events: list[tuple[float, int, str, object]] = []
    numbers = iter(range(10**9))

    def at(when: float, what: str, whom: object = None) -> None:
        heapq.heappush(events, (when, next(numbers), what, whom))

    for arrival in arrivals:
        at(arrival.at, "arrives", arrival)
    idle, now = devices, 0.0
    while events:
        now, _, what, whom = heapq.heappop(events)
        if what == "arrives":
            assert isinstance(whom, Arrival)
            one = request(whom.asker, now, whom.rows, whom.width)
            requests.append(one)
            waiting.put(one)
            if whom.gone_after is not None:
                at(now + whom.gone_after, "goes", one)
        elif what == "goes":
            assert isinstance(whom, Request)
            whom.call.gone = True
        elif what == "done":
            idle += 1
        seen.dropped += waiting.drop()
        while idle and (batch := waiting.take(now)):
            seen.runs.append((now, list(batch)))
            idle -= 1
            at(now + times[len(seen.runs) % len(times)], "done")
        if idle and (delay := waiting.delay(now)) is not None:
            at(max(now + delay, np.nextafter(now, np.inf)), "looks")
    assert len(waiting) == 0
    return seen, requests


arrivals = st.lists(
    st.builds(
        Arrival,
        at=st.floats(0, 0.2),
        asker=st.integers(0, 4),
        rows=st.integers(1, 3),
        width=st.integers(4, 5),
        gone_after=st.none() | st.floats(0, 0.05),
    ),
    max_size=60,
)
run_times = st.lists(st.floats(1e-4, 0.05), min_size=1, max_size=5)


@given(arrivals, run_times, st.integers(1, 3), st.integers(3, 8))
def test_every_request_is_run_once_or_dropped_once(
    arrivals: list[Arrival], times: list[float], devices: int, most: int
) -> None:
    seen, requests = simulated(arrivals, times, devices, most)
    ends = Counter(id(one) for _, batch in seen.runs for one in batch)
    ends.update(id(one) for one in seen.dropped)
    assert ends == Counter({id(one): 1 for one in requests})
    assert all(one.call.gone for one in seen.dropped)


@given(arrivals, run_times, st.integers(1, 3), st.integers(3, 8))
def test_a_run_is_never_larger_than_a_batch_and_never_mixed(
    arrivals: list[Arrival], times: list[float], devices: int, most: int
) -> None:
    seen, _ = simulated(arrivals, times, devices, most)
    for _, batch in seen.runs:
        assert 1 <= sum(len(one.tensor) for one in batch) <= most
        assert len({one.kind for one in batch}) == 1


@given(arrivals, run_times, st.integers(1, 3), st.integers(3, 8))
def test_no_device_idles_while_a_batch_is_due(
    arrivals: list[Arrival], times: list[float], devices: int, most: int
) -> None:
    """So a request waits for its patience, and for a run of each of the others at the worst."""
    seen, requests = simulated(arrivals, times, devices, most)
    longest = PATIENCE + max(times) * (len(requests) / devices + 1)
    for began, batch in seen.runs:
        for one in batch:
            assert began - one.asked_at <= longest


@given(st.integers(1, 6), st.integers(1, 8), st.booleans())
def test_nobody_starves_however_much_others_ask_for(
    crowds: int, most: int, of_another_shape: bool
) -> None:
    """Cameras that ask anew for whatever they are answered; another one asks once."""
    waiting = line(most, *(request(number, 0) for _ in range(20) for number in range(crowds)))
    quiet = request("quiet", 1, width=5 if of_another_shape else 4)
    waiting.put(quiet)
    for takes in range(1, 200):
        batch = waiting.take(takes + 1)
        if quiet in batch:
            break
        for one in batch:
            waiting.put(request(one.call.asker, takes + 1))
    else:
        pytest.fail("it never had its turn")
    before = 20 * crowds if of_another_shape else crowds
    assert takes <= -(-before // most) + 1


@given(st.integers(2, 6), st.integers(1, 40), st.integers(1, 8))
def test_who_asks_for_little_is_served_in_the_first_round(
    quiet: int, crowd: int, most: int
) -> None:
    """However many faces one camera has: each of the others is served among the first of all."""
    waiting = line(most, *(request("crowd") for _ in range(crowd)))
    for number in range(quiet):
        waiting.put(request(number))
    order = list[object]()
    while batch := waiting.take(1):
        order += askers(batch)
    assert Counter(order) == Counter(["crowd"] * crowd) + Counter[object](range(quiet))
    assert set(order[: quiet + 1]) == {"crowd", *range(quiet)}
