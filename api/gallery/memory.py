"""The gallery as cameras search it: exact, in memory, kept by the numbered log."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from api.gallery.notifier import ChangeNotifier
from api.store.changes import Changes, Head
from api.store.faces import Faces
from api.store.messages import REMOVALS, Change, Kind
from pipeline.errors import Transient
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import FaceId, Match, PackId, PersonId, Vectors
from pipeline.stages import Gallery

_log = logging.getLogger(__name__)

_BATCH = 500
"""Changes applied at once."""
_PAGE = 1000
"""Templates read at once."""
_AGAIN = 0.9
"""Part of the most that a gallery must shrink to before it is held again: no going to and fro."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Which templates, of how many numbers each, and how many of them are held at the most."""

    pack: PackId
    dimension: int
    most: int


class MemoryIndex:
    """Every template of a pack in this process; a gallery that is larger is searched elsewhere.

    What is deleted is out of it as soon as ``position`` has passed the deletion's number. While
    the database is away it answers as it did before: then nothing can be deleted, either.

    Args:
        beyond: searched instead while the gallery exceeds ``extent.most``.
        on_removed: hears of everyone of whom something was deleted, once it is gone here.
        on_added: hears that faces were enrolled, once they are here.
    """

    def __init__(
        self,
        changes: Changes,
        faces: Faces,
        extent: Extent,
        beyond: Gallery,
        on_removed: Callable[[PersonId], None],
        on_added: Callable[[], None],
    ) -> None:
        self._changes = changes
        self._faces = faces
        self._extent = extent
        self._beyond = beyond
        self._on_removed = on_removed
        self._on_added = on_added
        self._held: ExactGallery | None = None
        self._log_id: str | None = None
        self._removals = 0
        self._moved = asyncio.Condition()
        self.position = 0
        """Up to which change it has followed the log."""

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector its nearest people, nearest first.

        Raises:
            Transient: it has not been loaded yet; or ``beyond`` is out of reach.
        """
        if self._log_id is None:
            raise Transient("the gallery has not been loaded yet")
        if self._held is not None:
            return await self._held.search(vectors)
        while True:  # what was deleted meanwhile may be among what was found
            removals = self._removals
            found = await self._beyond.search(vectors)
            if removals == self._removals:
                return found

    async def follow(self, notifier: ChangeNotifier) -> None:
        """Keep it as the log says, for ever; what is away is tried again."""
        while True:
            heard = notifier.count
            try:
                await self._catch_up()
            except Transient as error:
                _log.info("the gallery cannot be followed now: %s", error)
            await notifier.after(heard)

    async def reached(self, number: int) -> None:
        """Wait until ``position`` is at a change or beyond it."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.position >= number)

    async def _catch_up(self) -> None:
        """Apply what the log says; another log, or one that went back (a restore), is read anew."""
        head = await self._changes.head()
        if self._log_id != head.log or self.position > head.number:
            await self._load(head)
        while batch := await self._changes.after(self.position, _BATCH):
            await self._apply(batch)
            if self._held is None and await self._fits(_AGAIN):
                self._held = await self._read()
            await self._move_to(batch[-1].number)

    async def _load(self, head: Head) -> None:
        self._held = await self._read() if await self._fits() else None
        self._log_id = head.log
        await self._move_to(head.number)

    async def _read(self) -> ExactGallery:
        """Every template as it is now; what the log says from the position on is applied after."""
        held = ExactGallery(self._extent.dimension)
        async for page in self._faces.pages(self._extent.pack, _PAGE):
            await held.add(page)
        return held

    async def _fits(self, part: float = 1.0) -> bool:
        there = (await self._faces.census(self._extent.pack)).faces
        return there <= part * self._extent.most

    async def _apply(self, batch: Sequence[Change]) -> None:
        if self._held is not None:
            gone, come = outcome(batch)
            await self._held.remove(gone)
            await self._held.add(await self._faces.templates(come, self._extent.pack))
            if len(self._held) > self._extent.most:
                self._held = None
        removed = {change.person for change in batch if change.kind in REMOVALS}
        self._removals += len(removed)
        for person in removed:
            self._on_removed(person)
        if any(change.kind is Kind.FACE_ADDED for change in batch):
            self._on_added()

    async def _move_to(self, number: int) -> None:
        async with self._moved:
            self.position = number
            self._moved.notify_all()


def outcome(batch: Sequence[Change]) -> tuple[Sequence[FaceId], Sequence[FaceId]]:
    """The faces that are gone after these changes, and those that came; a face's last counts."""
    last = {change.face: change.kind for change in batch if change.face is not None}
    gone = [face for face, kind in last.items() if kind is Kind.FACE_REMOVED]
    come = [face for face, kind in last.items() if kind is Kind.FACE_ADDED]
    return gone, come
