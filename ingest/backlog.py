"""Coded pictures on their way to one reader: bounded in bytes, and never with a hole in them."""

import threading
from collections.abc import AsyncIterator, Callable
from typing import Generic

from ingest.playable import LARGEST_GROUP, LONGEST_GROUP, Picture
from pipeline.mailbox import Mailbox

_BYTES = 2 * LARGEST_GROUP
_PICTURES = 2 * LONGEST_GROUP
"""A whole group, and as much again while the reader is at it."""


class Backlog(Generic[Picture]):
    """Coded pictures from any thread to one task of the running event loop.

    They begin with a key picture. When too much waits, all of it is dropped, and so is what comes
    until the next key picture: what is decoded from others must not miss one of them. ``on_drop``
    hears how many.
    """

    def __init__(self, on_drop: Callable[[int], None]) -> None:
        self._waiting = Mailbox[Picture](_PICTURES)
        self._on_drop = on_drop
        self._lock = threading.Lock()
        self._bytes = self._count = 0
        self._began = False
        """A key picture has come."""
        self._goes_on = False
        """The next picture follows one that was given."""

    def put(self, picture: Picture) -> None:
        """Leave a picture; never waits."""
        with self._lock:
            dropped = self._make_room(picture)
            self._began |= picture.key
            self._goes_on |= picture.key
            if not self._goes_on:
                dropped += self._began
            else:
                self._bytes += len(picture.data)
                self._count += 1
                self._waiting.put(picture)
        if dropped:
            self._on_drop(dropped)

    def clear(self) -> None:
        """Drop what waits, and what comes until the next key picture."""
        with self._lock:
            self._drop_all()

    def close(self) -> None:
        """No more: the reader ends after the last one."""
        self._waiting.close()

    async def __aiter__(self) -> AsyncIterator[Picture]:
        async for picture in self._waiting:
            with self._lock:
                self._bytes -= len(picture.data)
                self._count -= 1
            yield picture

    def _make_room(self, picture: Picture) -> int:
        """How many pictures had to go."""
        fits = self._bytes + len(picture.data) <= _BYTES and self._count < _PICTURES
        if fits or not self._goes_on:
            return 0
        return self._drop_all()

    def _drop_all(self) -> int:
        gone = self._waiting.clear()
        self._bytes -= sum(len(one.data) for one in gone)
        self._count -= len(gone)
        self._goes_on = False
        return len(gone)
