"""What wakes those who follow the log of changes."""

import asyncio
import contextlib

from api.store.changes import CHANNEL
from api.store.database import Database
from pipeline.errors import Transient

_PERIOD = 1.0
"""Seconds after which a follower looks although nothing rang: a ring may be missed."""


class Bell:
    """Rings for everyone who waits when a gallery has changed, in whichever process."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self._rings = 0

    @property
    def rings(self) -> int:
        """How often it rang."""
        return self._rings

    def ring(self) -> None:
        """Something has changed."""
        self._rings += 1
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def after(self, heard: int) -> None:
        """Wait until it has rung more often than ``heard`` times, at most for a second."""
        if self._rings > heard:
            return
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await asyncio.wait([waiting], timeout=_PERIOD)
        finally:
            self._waiting.discard(waiting)

    async def listen(self, database: Database) -> None:
        """Ring also for what other processes change, for ever."""
        while True:
            with contextlib.suppress(Transient):
                await database.listen(CHANNEL, self.ring)
            await asyncio.sleep(_PERIOD)
