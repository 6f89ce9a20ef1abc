"""What is decoded for what is wanted, and how what is missed is counted."""

from collections import Counter
from collections.abc import Sequence

import pytest

from ingest.access_units import Need
from ingest.options import Analysed
from ingest.selection import Choice, Selection
from tests.ingest.test_load import Clock

RATE = 25
GROUP = [Need.KEY, *[Need.DISPOSABLE, Need.REFERENCE] * 12]
"""A key picture each second, and every other picture disposable."""


class Camera:
    """A stream of which at most so many pictures a second are taken."""

    def __init__(self, group: Sequence[Need] = GROUP, *, apart: bool = False) -> None:
        self._group = group
        self._clock = Clock()
        self.selection = Selection(apart=apart, clock=self._clock)
        self._number = self._taken = 0

    def run(
        self, seconds: float, analysed: Analysed, *, viewed: bool = False, taken: float = 1
    ) -> list[tuple[Need, Choice]]:
        """What was done with each picture; of those for analysis a part is taken."""
        done, credit = [], 0.0
        for _ in range(round(seconds * RATE)):
            self._clock.now += 1 / RATE
            need = self._group[self._number % len(self._group)]
            self._number += 1
            choice = self.selection.choose(
                need, self._clock.now, analysed, self._taken, viewed=viewed
            )
            credit += taken * choice.analyse
            if credit >= 1:
                self._taken, credit = self._taken + 1, credit - 1
            done.append((need, choice))
        return done


def decoded(done: Sequence[tuple[Need, Choice]]) -> Counter[Need]:
    return Counter(need for need, choice in done if choice.decode)


def analysed(done: Sequence[tuple[Need, Choice]]) -> int:
    return sum(choice.analyse for _, choice in done)


def test_where_all_are_wanted_all_are_decoded_and_analysed() -> None:
    camera = Camera()
    done = camera.run(20, "all")
    assert {choice for _, choice in done} == {Choice(decode=True, alone=False, analyse=True)}
    assert camera.selection.missed == 0


def test_what_nobody_will_look_at_and_no_other_needs_is_not_decoded() -> None:
    camera = Camera()
    done = camera.run(20, 5)
    assert analysed(done) == pytest.approx(100, abs=1)
    counts = decoded(done)
    assert (counts[Need.KEY], counts[Need.REFERENCE]) == (20, 240)
    assert counts[Need.DISPOSABLE] < 110
    assert camera.selection.missed == 0


def test_of_pictures_that_need_none_those_that_are_wanted_are_decoded() -> None:
    done = Camera([Need.KEY], apart=True).run(20, 2)
    assert analysed(done) == decoded(done).total() == pytest.approx(40, abs=1)


@pytest.mark.parametrize(("wanted", "count"), [("keys", 30), (0.5, 15)])
def test_key_pictures_alone_are_decoded_where_they_are_wanted_or_enough(
    wanted: Analysed, count: int
) -> None:
    camera = Camera()
    camera.run(4, wanted)
    done = camera.run(30, wanted)
    assert set(decoded(done)) == {Need.KEY}
    assert all(choice.alone for _, choice in done if choice.decode)
    assert analysed(done) == pytest.approx(count, abs=1)
    assert camera.selection.missed == 0


@pytest.mark.parametrize("wanted", ["keys", 0.5, 5])
def test_who_views_what_is_encoded_sees_every_picture(wanted: Analysed) -> None:
    camera = Camera()
    camera.run(4, wanted)
    camera.run(1, wanted, viewed=True)  # up to the next key picture
    done = camera.run(20, wanted, viewed=True)
    assert decoded(done).total() == 20 * RATE
    assert not any(choice.alone for _, choice in done)
    assert 0 < analysed(done) <= 101
    later = camera.run(10, wanted)
    assert decoded(later).total() < 8 * RATE


def test_after_a_gap_decoding_goes_on_with_a_key_picture() -> None:
    camera = Camera()
    camera.run(4.2, "keys")
    done = camera.run(2, "all")
    first = next(need for need, choice in done if choice.decode and not choice.alone)
    assert first is Need.KEY


def test_overload_is_counted_against_what_is_wanted() -> None:
    camera = Camera()
    camera.run(20, 5, taken=1)
    assert camera.selection.missed == 0
    done = camera.run(60, 5, taken=0.2)  # one a second
    assert set(decoded(done[-10 * RATE :])) == {Need.KEY, Need.REFERENCE}
    assert analysed(done) + camera.selection.missed == pytest.approx(300, abs=2)
