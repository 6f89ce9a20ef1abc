"""Places in one long row, taken and given back: no device and no thread in here."""


class Ranges:
    """The free parts of ``size`` places, each as its first place and its length.

    The first part that is long enough is taken. Neighbours that are free become one.
    """

    def __init__(self, size: int) -> None:
        self._free = [(0, size)]

    @property
    def free(self) -> int:
        """How many places are free, in all."""
        return sum(length for _, length in self._free)

    def take(self, length: int) -> int | None:
        """The first of ``length`` places in a row, which are taken now; None if there are none."""
        for at, (first, room) in enumerate(self._free):
            if room >= length:
                self._free[at : at + 1] = [(first + length, room - length)] if room > length else []
                return first
        return None

    def give(self, first: int, length: int) -> None:
        """Free the places that were taken as this."""
        merged = list[tuple[int, int]]()
        for start, room in sorted([*self._free, (first, length)]):
            if merged and sum(merged[-1]) == start:
                before, length = merged.pop()
                merged.append((before, length + room))
            else:
                merged.append((start, room))
        self._free = merged
