"""Which pictures of a connection are decoded, and which of those are analysed."""

import time
from collections.abc import Callable
from typing import NamedTuple

from ingest.access_units import Need
from ingest.options import Analysed
from ingest.pace import Pace
from ingest.thinning import Thinning


class Choice(NamedTuple):
    """What is done with a coded picture."""

    decode: bool
    alone: bool
    """It is decoded by itself: those before and after it are not."""
    analyse: bool


class Selection:
    """Chooses: what is wanted is decoded, what that needs, and all that somebody views decoded.

    Args:
        apart: no picture of this codec needs another.
        clock: seconds, from anywhere.
    """

    def __init__(self, *, apart: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._apart = apart
        self._pace, self._thinning = Pace(), Thinning(clock)
        self._wanted = self._chosen = 0
        self._pending = False
        """One is wanted, and none was chosen since."""

    @property
    def missed(self) -> int:
        """How many pictures were wanted so far and will not be analysed."""
        return self._wanted - self._chosen - self._pending

    def choose(
        self, need: Need, at: float, analysed: Analysed, taken: int, *, viewed: bool
    ) -> Choice:
        """What is done with the next picture.

        Args:
            need: what other pictures need of it.
            at: when it came, in seconds: a camera's own clock may stand still.
            analysed: how many are wanted.
            taken: pictures that were taken for analysis so far.
            viewed: whether somebody wants to see every picture decoded.
        """
        if self._pace.wants(need, at, analysed):
            self._wanted += 1
            self._pending = True
        floor = Need.DISPOSABLE if viewed else self._pace.floor(analysed)
        if not self._thinning.wants(need, self._chosen, taken, floor):
            return Choice(decode=False, alone=False, analyse=False)
        alone, analyse = self._thinning.keys_only, self._pending and self._suits(need, analysed)
        needless = alone or self._apart or need is Need.DISPOSABLE
        if analyse:
            self._chosen += 1
            self._pending = False
        return Choice(analyse or viewed or not needless, alone, analyse)

    @staticmethod
    def _suits(need: Need, analysed: Analysed) -> bool:
        return analysed != "keys" or need is Need.KEY
