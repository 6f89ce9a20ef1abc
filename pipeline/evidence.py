"""What the looks at a track say together: how much it resembles whom, and how sure that is."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.counterexamples import is_counter, other_than
from pipeline.messages import Comparison, PersonId

_LEAST = 0.01
"""The lowest quality that is reckoned with: where all looks are worthless they count the same."""

_NONE = -2.0
"""Less than any difference of two cosines."""


@dataclass(frozen=True, slots=True)
class Support:
    """How much a track resembles somebody, by how many looks, and how many that is in effect.

    ``against`` is by how much it resembles her counter-examples more; -2 where there are none.
    """

    person: PersonId
    similarity: float
    looks: int
    effective: float
    against: float = _NONE


class Evidence:
    """The looks at one track that count: the latest few, and the best of those before.

    Args:
        latest: so many of the latest; they find out if it is somebody else by now.
        most: looks in all.
    """

    def __init__(self, latest: int, most: int) -> None:
        self._latest = latest
        self._most = most
        self._looks: list[Comparison] = []
        self.ranked: Sequence[Support] = ()
        """Whom the track resembles, most first."""

    def __len__(self) -> int:
        return len(self._looks)

    def add(self, look: Comparison) -> None:
        """Take note of one more look; one with a similarity that is no number is none."""
        if all(math.isfinite(one.similarity) for one in look.matches):
            self._looks.append(look)
            if len(self._looks) > self._most:
                before = range(len(self._looks) - self._latest)
                del self._looks[min(before, key=lambda one: _weight(self._looks[one].quality))]
            self.ranked = weigh(self._looks)

    def strip(self, person: PersonId) -> None:
        """Forget how near a person was."""
        for place, look in enumerate(self._looks):
            hers = {person, other_than(person)}
            others = [one for one in look.matches if one.person not in hers]
            self._looks[place] = Comparison(others, look.quality)
        self.ranked = weigh(self._looks)

    def clear(self) -> None:
        """Forget everything."""
        self._looks.clear()
        self.ranked = ()


def weigh(looks: Iterable[Comparison]) -> Sequence[Support]:
    """Each person's mean similarity over the looks, weighted by their quality, most first.

    The weights know nothing of who is resembled: so the mean of many looks raises no stranger, as
    the best of many would. The order of the looks does not count.

    How many looks carry it in effect is the number of weighted ones, (sum w)^2 / sum w^2 (L. Kish,
    Survey Sampling, 1965): looks of like quality count one each, poor ones beside a good one hardly
    anything.

    A look lists the nearest people only. Who is missing from it is no nearer than its last one; but
    where it lists fewer people than another look, the gallery was smaller, and it says nothing.
    """
    tables = [
        ({one.person: one.similarity for one in look.matches}, _weight(look.quality))
        for look in looks
        if look.matches
    ]
    longest = max((len(table) for table, _ in tables), default=0)
    people = {person for table, _ in tables for person in table if not is_counter(person)}
    found = (_support(person, tables, longest) for person in people)
    return sorted(found, key=lambda one: (-one.similarity, one.person))


def _support(
    person: PersonId, tables: Sequence[tuple[Mapping[PersonId, float], float]], longest: int
) -> Support:
    seen = [
        (table[person] if person in table else min(table.values()), weight)
        for table, weight in tables
        if person in table or len(table) == longest
    ]
    total = math.fsum(weight for _, weight in seen)
    similarity = math.fsum(similarity * weight for similarity, weight in seen) / total
    effective = total * total / math.fsum(weight * weight for _, weight in seen)
    against = _against(person, tables)
    return Support(person, similarity, len(seen), effective, against)


def _against(person: PersonId, tables: Sequence[tuple[Mapping[PersonId, float], float]]) -> float:
    """The same mean of how much nearer her counter-examples are, over looks that list both."""
    other = other_than(person)
    seen = [
        (table[other] - table[person], weight)
        for table, weight in tables
        if person in table and other in table
    ]
    if not seen:
        return _NONE
    return math.fsum(more * weight for more, weight in seen) / math.fsum(w for _, w in seen)


def _weight(quality: float) -> float:
    known = quality if math.isfinite(quality) else 0.0
    return min(max(known, _LEAST), 1.0)
