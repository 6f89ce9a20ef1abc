"""Under overload, pictures that nobody would look at are not even decoded."""

import time
from collections.abc import Callable

from ingest.access_units import Need
from ingest.load import Load, LoadMeter, Overload

_MORE = 1.25
"""So many times what is taken must be left over, else the newest picture would often be old. It is
also what tells later that the load has gone: then all that is left over is taken."""


class Thinning:
    """Chooses which pictures of one camera are decoded: all, those that others need, or key ones.

    It thins out as far as what is left still exceeds what is taken, and goes back step by step.
    A picture is left out only where no decoded one needs it, so none is ever damaged by it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._least = self._goal = Need.DISPOSABLE
        self._seen = dict.fromkeys(Need, 0)
        self._before = dict(self._seen)
        self._taken_before = 0
        self._meter, self._overload = LoadMeter(clock), Overload()

    @property
    def keys_only(self) -> bool:
        """Whether only pictures that need no other are decoded, each by itself."""
        return self._least is Need.KEY

    def wants(self, need: Need, offered: int, taken: int, floor: Need = Need.DISPOSABLE) -> bool:
        """Whether the next picture is to be decoded.

        Args:
            need: what other pictures need of it.
            offered: pictures that were decoded for analysis so far.
            taken: those of them that were taken.
            floor: nothing below it is wanted anyway.
        """
        self._seen[need] += 1
        if (load := self._meter.update(offered, taken)) is not None:
            self._adapt(load, taken - self._taken_before)
            self._taken_before = taken
        if need is Need.KEY or not self.keys_only:  # after a gap one can go on from a key picture
            self._least = max(self._goal, floor)
        return need >= self._least

    def _adapt(self, load: Load, taken: int) -> None:
        if self._overload.update(load):
            enough = _MORE * taken
            fit = [level for level in Need if self._left_at(level) >= enough]
            self._goal = max(fit, default=self._goal)
        elif self._goal:
            self._goal = Need(self._goal - 1)
        self._before = dict(self._seen)

    def _left_at(self, level: Need) -> int:
        """Pictures of this period that would be decoded at a level."""
        return sum(self._seen[need] - self._before[need] for need in Need if need >= level)
