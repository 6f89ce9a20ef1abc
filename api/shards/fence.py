"""Whom a shard may still name by what was deleted: nobody reads that before it has confirmed."""

import asyncio
from collections.abc import Collection

from pipeline.messages import PersonId


class Fence:
    """Up to which change a shard must have followed before it is believed about whom."""

    def __init__(self) -> None:
        self._until: dict[PersonId, int] = {}
        self._waiting: set[tuple[int, asyncio.Future[None]]] = set()

    @property
    def highest(self) -> int:
        """The change by which nobody is hidden any more; 0 if nobody is."""
        return max(self._until.values(), default=0)

    def put_up(self, people: Collection[PersonId], number: int) -> None:
        """Hide these people until the shard has followed the log up to there."""
        for person in people:
            self._until[person] = max(number, self._until.get(person, 0))

    def hides(self, person: PersonId) -> bool:
        """Whether a result that names this person may stem from what was deleted."""
        return person in self._until

    def lift(self, number: int) -> None:
        """The shard has followed the log up to there."""
        self._until = {who: until for who, until in self._until.items() if until > number}
        for waiting in [one for one in self._waiting if one[0] <= number]:
            self._waiting.discard(waiting)
            if not waiting[1].done():
                waiting[1].set_result(None)

    async def passed(self, number: int) -> None:
        """Wait until it has followed the log up to there."""
        waiting = (number, asyncio.get_running_loop().create_future())
        self._waiting.add(waiting)
        try:
            await waiting[1]
        finally:
            self._waiting.discard(waiting)
