"""A bounded hand-over that counts what it drops."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Generic, TypeVar

Item = TypeVar("Item")
Turn = Callable[[], AbstractAsyncContextManager[None]]
"""What is waited for, and held, while an item is taken."""


class Mailbox(Generic[Item]):
    """Items from any thread to one task of an event loop; when full, the oldest one is dropped.

    The loop is woken once from empty to full, not once an item: a callback an item would hold
    the items alive. It belongs to the loop that is running when it is made. ``turn`` is entered
    when something lies there and before it is taken, so that the reader may wait and what it takes
    is still the newest.
    """

    def __init__(
        self,
        capacity: int,
        on_drop: Callable[[Item], None] | None = None,
        turn: Turn = nullcontext,
    ) -> None:
        if capacity < 1:
            raise ValueError(f"a mailbox holds at least one item, not {capacity}")
        self.dropped = 0
        self._capacity = capacity
        self._on_drop = on_drop
        self._turn = turn
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
            was_empty = not self._items
            dropped = [self._items.popleft()] if len(self._items) == self._capacity else []
            self._items.append(item)
            self.dropped += len(dropped)
        if was_empty:
            self._wake()
        if dropped and self._on_drop is not None:
            self._on_drop(dropped.pop())

    def clear(self) -> Sequence[Item]:
        """Take back all that waits."""
        with self._lock:
            gone = tuple(self._items)
            self._items.clear()
            return gone

    def close(self, error: BaseException | None = None) -> None:
        """No more items: the reader ends after the last one, or with ``error``."""
        with self._lock:
            if self._closed:
                return
            self._closed, self._error = True, error
        self._wake()

    async def __aiter__(self) -> AsyncIterator[Item]:
        while not (self._closed and not self._items):
            await self._ready.wait()
            async with self._turn():
                if taken := self._take():
                    yield taken.pop()
        if self._error is not None:
            raise self._error

    def _take(self) -> list[Item]:
        """The next item, if there is one.

        In a list that its reader empties: while the next one is waited for, none is held alive.
        """
        with self._lock:
            taken = [self._items.popleft()] if self._items else []
            if not self._items and not self._closed:
                self._ready.clear()
            return taken

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop is closed: nobody is left to read
            self._closed = True
