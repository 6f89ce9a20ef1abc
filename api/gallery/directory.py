"""Who is in the gallery, what they are called and who is ignored: in memory, as the log says."""

import contextlib
from collections.abc import Callable, Collection, Sequence
from typing import Literal

from api.gallery.notifier import ChangeNotifier
from api.store.changes import Changes
from api.store.messages import REMOVALS, Change, Kind
from api.store.people import People
from pipeline.errors import Transient
from pipeline.messages import PersonId, Status

_BATCH = 500


class Directory:
    """The names of the people.

    Args:
        on_removed: hears of everyone of whom something was deleted, or who is ignored from now on.
    """

    def __init__(
        self, people: People, changes: Changes, on_removed: Callable[[PersonId], None]
    ) -> None:
        self._people = people
        self._changes = changes
        self._on_removed = on_removed
        self._names: dict[PersonId, str] = {}
        self._ignored: set[PersonId] = set()

    def name(self, person: PersonId) -> str | None:
        """What a person is called; None if there is no such person (any more)."""
        return self._names.get(person)

    def ignores(self, person: PersonId) -> bool:
        """Whether a person is never to be told."""
        return person in self._ignored

    def told_as(self, person: PersonId) -> str | Literal[Status.IGNORED] | None:
        """What results call a person: by name, not at all, or None if there is no such person."""
        return Status.IGNORED if self.ignores(person) else self.name(person)

    def ignored(self, person: PersonId, *, ignored: bool) -> None:
        """This process has just read whether a person is ignored."""
        if ignored and person not in self._ignored:
            self._ignored.add(person)
            self._on_removed(person)
        elif not ignored:
            self._ignored.discard(person)

    def named(self, person: PersonId, name: str) -> None:
        """This process has just named a person."""
        self._names[person] = name

    def removed(self, changes: Sequence[Change]) -> None:
        """Something was just deleted: from here on nobody is named by it."""
        for change in changes:
            if change.kind is Kind.PERSON_REMOVED:
                self._names.pop(change.person, None)
                self._ignored.discard(change.person)
            if change.kind in REMOVALS:
                self._on_removed(change.person)

    async def load(self) -> int:
        """Read all names; says up to which change they hold.

        Raises:
            Transient: the database is away.
        """
        head = await self._changes.head()
        self._names = dict(await self._people.names())
        self._ignored = await self._people.ignored()
        return head.number

    async def follow(self, notifier: ChangeNotifier, number: int) -> None:
        """Keep the names as the log says, from after change ``number`` on, for ever."""
        while True:
            heard = notifier.count
            # The database's health is told elsewhere; what is missed now is still in the log.
            with contextlib.suppress(Transient):
                number = await self._catch_up(number)
            await notifier.after(heard)

    async def _read(self, people: Collection[PersonId]) -> None:
        ignored = await self._people.ignored(people)
        for person in people:
            self.ignored(person, ignored=person in ignored)
        self._names |= await self._people.names(people)

    async def _catch_up(self, number: int) -> int:
        while batch := await self._changes.after(number, _BATCH):
            self.removed(batch)
            named = {change.person for change in batch if change.kind is Kind.PERSON_NAMED}
            await self._read(named)
            number = batch[-1].number
        return number
