"""A bounded hand-over that counts what it drops."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """Items from any thread to one task of an event loop; when full, the oldest one is dropped.

    The loop is woken once from empty to full, not once an item: a callback an item would hold
    the items alive. It belongs to the loop that is running when it is made.
    """

    def __init__(self, capacity: int, on_drop: Callable[[Item], None] | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"a mailbox holds at least one item, not {capacity}")
        self.dropped = 0
        self._capacity = capacity
        self._on_drop = on_drop
        self._items: deque[Item] = deque()
        self._closed = False
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()

    def put(self, item: Item) -> None:
        """Leave an item; never waits. After ``close`` it goes nowhere."""
        with self._lock:
            if self._closed:
                return
            drop = self._items.popleft() if len(self._items) == self._capacity else None
            was_empty = not self._items and drop is None
            self._items.append(item)
            self.dropped += drop is not None
        if was_empty:
            self._wake()
        if drop is not None and self._on_drop is not None:
            self._on_drop(drop)

    def close(self, error: BaseException | None = None) -> None:
        """No more items: the reader ends after the last one, or with ``error``."""
        with self._lock:
            if self._closed:
                return
            self._closed, self._error = True, error
        self._wake()

    async def __aiter__(self) -> AsyncIterator[Item]:
        while True:
            await self._ready.wait()
            with self._lock:
                item = self._items.popleft() if self._items else None
                closed = self._closed
                if not self._items and not closed:
                    self._ready.clear()
            if item is not None:
                yield item
            elif closed:
                break
        if self._error is not None:
            raise self._error

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop is closed: nobody is left to read
            self._closed = True
