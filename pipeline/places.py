"""Who goes next where only a few can: looks at faces first, then frames ahead, camera by camera."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum

_Line = deque[asyncio.Future[None]]


class Rank(IntEnum):
    """Whose work goes first; among equals it is first come, first served."""

    NOW = 0
    """Somebody waits for it: the faces of a frame that is tracked already, a photograph."""
    AHEAD = 1
    """Faces in a frame whose turn to be tracked is yet to come."""


class Places:
    """So many pieces of work at once, and the lines before them; for one event loop alone."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._lines: dict[Rank, _Line] = {rank: deque() for rank in Rank}
        self._turns: _Line = deque()

    @property
    def behind(self) -> int:
        """How many wait for a turn."""
        return len(self._turns)

    @asynccontextmanager
    async def one(self, rank: Rank) -> AsyncIterator[None]:
        """A place, as long as the work in it takes."""
        called = self._stand_in(self._lines[rank])
        try:
            await called
            yield
        finally:
            if not called.cancelled():  # else it was never given
                self._free += 1
                self._call()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until a place is free that nobody else waits for; it is not taken by that.

        Whoever chooses his work only now chooses the freshest. If he takes none after all, the
        next one in line has his turn.
        """
        await self._stand_in(self._turns)
        try:
            yield
        finally:  # what he chose begins in a task that was made before this
            asyncio.get_running_loop().call_soon(self._call)

    def _stand_in(self, line: _Line) -> asyncio.Future[None]:
        called = asyncio.get_running_loop().create_future()
        line.append(called)
        self._call()
        return called

    def _call(self) -> None:
        """Give out the places, then tell as many of those who wait for a turn as are left."""
        for line in self._lines.values():
            self._free -= _call_first(line, self._free)
        _call_first(self._turns, self._free)


def _call_first(line: _Line, most: int) -> int:
    """Call up to so many from the head of a line; the answer is how many."""
    count = 0
    while line and count < most:
        called = line.popleft()
        if not called.cancelled():
            called.set_result(None)
            count += 1
    return count
