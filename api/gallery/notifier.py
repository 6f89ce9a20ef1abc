"""What wakes those who follow the log of changes."""

import asyncio
import contextlib

from api.store.changes import CHANNEL
from api.store.database import Database
from pipeline.errors import Transient

_PERIOD = 1.0
"""Seconds after which a follower looks unasked: a notification may be missed."""


class ChangeNotifier:
    """Wakes everyone who waits when a gallery has changed, in whichever process (LISTEN/NOTIFY)."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self._count = 0

    @property
    def count(self) -> int:
        """How many changes it was told of."""
        return self._count

    def notify(self) -> None:
        """Something has changed."""
        self._count += 1
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def after(self, heard: int) -> None:
        """Wait until it was told of more than ``heard`` changes, at most for a second."""
        if self._count > heard:
            return
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await asyncio.wait([waiting], timeout=_PERIOD)
        finally:
            self._waiting.discard(waiting)

    async def listen(self, database: Database) -> None:
        """Notify of what other processes change, too, for ever."""
        while True:
            with contextlib.suppress(Transient):
                await database.listen(CHANNEL, self.notify)
            await asyncio.sleep(_PERIOD)
