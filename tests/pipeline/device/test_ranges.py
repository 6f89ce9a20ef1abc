"""Places taken and given back, in any order."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline.device.ranges import Ranges

SIZE = 60


class TakenAndGiven(RuleBasedStateMachine):
    """A plain list of who has which place, beside."""

    def __init__(self) -> None:
        super().__init__()
        self.ranges = Ranges(SIZE)
        self.owners: list[int | None] = [None] * SIZE
        self.taken: list[tuple[int, int]] = []

    @rule(length=st.integers(1, SIZE))
    def take(self, length: int) -> None:
        first = self.ranges.take(length)
        rooms = [at for at in range(SIZE) if self._is_free(at, length)]
        if first is None:
            assert not rooms
        else:
            assert first == rooms[0]
            self.owners[first : first + length] = [first] * length
            self.taken.append((first, length))

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def give(self, data: st.DataObject) -> None:
        first, length = self.taken.pop(data.draw(st.integers(0, len(self.taken) - 1)))
        self.ranges.give(first, length)
        self.owners[first : first + length] = [None] * length

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.ranges.free == self.owners.count(None)

    def _is_free(self, first: int, length: int) -> bool:
        places = self.owners[first : first + length]
        return len(places) == length and not any(owner is not None for owner in places)


TestTakenAndGiven = TakenAndGiven.TestCase


def test_what_was_given_back_in_pieces_can_be_taken_whole() -> None:
    ranges = Ranges(30)
    places = [ranges.take(10) for _ in range(3)]
    assert places == [0, 10, 20]
    assert ranges.take(1) is None
    for first in (0, 20, 10):
        ranges.give(first, 10)
    assert ranges.take(30) == 0
