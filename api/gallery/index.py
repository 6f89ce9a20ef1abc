"""The gallery as the cameras search it: an index that follows the log, under the truth's eye."""

import asyncio
import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.gallery.memory import outcome
from api.gallery.notifier import ChangeNotifier
from api.store.changes import Changes, Head
from api.store.faces import Faces
from api.store.messages import Change
from pipeline.errors import Transient
from pipeline.gallery.milvus import Broken, LiteStore, MilvusGallery, Position, Store
from pipeline.gallery.people import nearest_people
from pipeline.messages import FaceId, GalleryId, Match, PackId, Vectors

_log = logging.getLogger(__name__)

_BATCH = 500
"""Changes applied at once."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which index: where it is, whose it is, and which pack's vectors it holds."""

    store: Store
    gallery: GalleryId
    pack: PackId
    dimension: int

    def __str__(self) -> str:
        return f"{self.gallery}/{self.pack} in {self.store}"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuilding made."""

    faces: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The index beside the truth; ``missing`` are only in the truth, ``surplus`` only here."""

    missing: Sequence[FaceId]
    surplus: Sequence[FaceId]


class Index:
    """Searches templates; what was deleted is never found, however late the index is.

    Every answer of the index is checked against the truth: what follows a log is always a little
    behind, and a deletion has to hold at once, also one made by another process.
    """

    def __init__(self, place: Place, changes: Changes, faces: Faces) -> None:
        self._place = place
        self._changes = changes
        self._faces = faces
        self._gallery: MilvusGallery | None = None
        self._removals = 0
        self._writing = asyncio.Lock()
        self.trouble = "it is being prepared"
        """Why it cannot be searched now; empty if it can."""
        self.settled = asyncio.Event()
        """Set when it has followed the log for the first time, or could not."""
        self.followed = 0
        """Up to which change it has followed the log, as far as this process has seen."""

    def removed(self) -> None:
        """Something was just deleted: searches under way look at the truth once more."""
        self._removals += 1

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector its nearest people, nearest first.

        Raises:
            Transient: the index or the truth is out of reach; said at once while that is known.
        """
        if self._gallery is None or self.trouble:
            raise Transient(f"the gallery cannot be searched now: {self.trouble}")
        try:
            return await self._search(self._gallery, vectors)
        except Transient as error:
            self.trouble = str(error)  # until it has been reached again
            raise

    async def follow(self, notifier: ChangeNotifier) -> None:
        """Keep the index as the log says, for ever; what is away is tried again.

        Raises:
            Misconfigured: the index cannot be used until a person changes something.
        """
        while True:
            heard = notifier.count
            try:
                async with self._writing:
                    await self._catch_up(await self._opened())
            except Broken as error:
                await self._set_aside(error)
            except Transient as error:
                self.trouble = str(error)
            self.settled.set()
            await notifier.after(heard)

    async def rebuild(self) -> Rebuilt:
        """Make it anew from the truth; meanwhile nothing is found in it.

        Raises:
            Transient: the index or the truth is out of reach.
        """
        began = time.monotonic()
        async with self._writing:
            gallery = await self._opened()
            await self._catch_up(gallery, anew=True)
            return Rebuilt(len(await gallery.faces()), time.monotonic() - began)

    async def compare(self) -> Comparison:
        """What it holds beside what it should hold.

        Raises:
            Transient: the index or the truth is out of reach.
        """
        async with self._writing:
            gallery = await self._opened()
            await self._catch_up(gallery)
            true, there = await self._faces.ids(self._place.pack), await gallery.faces()
        return Comparison(sorted(true - there), sorted(there - true))

    async def complete(self) -> None:
        """Add what the log did not tell: templates made of faces that had been enrolled before.

        Raises:
            Transient: the index or the truth is out of reach.
        """
        async with self._writing:
            gallery = await self._opened()
            await self._catch_up(gallery)
            missing = list(await self._faces.ids(self._place.pack) - await gallery.faces())
            for at in range(0, len(missing), _BATCH):
                batch = missing[at : at + _BATCH]
                await gallery.add(await self._faces.templates(batch, self._place.pack))

    async def drop_others(self) -> None:
        """Delete the indexes of this gallery that hold another pack's templates.

        Raises:
            Transient: the index is out of reach.
        """
        async with self._writing:
            await (await self._opened()).drop_others(self._place.gallery)

    async def position(self) -> int:
        """Up to which change it has followed.

        Raises:
            Transient: the index is out of reach.
        """
        position = await self._gallery.position() if self._gallery else None
        return position.number if position else 0

    async def close(self) -> None:
        """Let the store go."""
        if self._gallery is not None:
            gallery, self._gallery = self._gallery, None
            await gallery.close()

    async def _search(self, gallery: MilvusGallery, vectors: Vectors) -> Sequence[Sequence[Match]]:
        while True:
            removals = self._removals
            found = await gallery.search_faces(vectors)
            standing = await self._faces.standing({hit.face for hits in found for hit in hits})
            if removals == self._removals:
                return [
                    nearest_people(hit for hit in hits if hit.face in standing) for hits in found
                ]

    async def _opened(self) -> MilvusGallery:
        if self._gallery is None:
            place = self._place
            self._gallery = await MilvusGallery.open(
                place.store, place.gallery, place.pack, place.dimension
            )
        return self._gallery

    async def _catch_up(self, gallery: MilvusGallery, *, anew: bool = False) -> None:
        """Apply what the log says beyond the index's position, which the index itself keeps.

        An index of another log, or one that is ahead of it (a backup was restored), begins anew.
        """
        async with self._changes.exclusive(str(self._place)):
            head, position = await self._changes.head(), await gallery.position()
            if anew or position is None or not _leads_to(head, position):
                position = await self._begin(gallery, head.log)
            self.followed = position.number
            while batch := await self._changes.after(position.number, _BATCH):
                await self._apply(gallery, batch)
                position = Position(head.log, batch[-1].number)
                await gallery.mark(position)
                self.followed = position.number
        self.trouble = ""

    async def _begin(self, gallery: MilvusGallery, log: str) -> Position:
        """Empty it; marked as empty, or that of a log without changes would begin at every ring."""
        self.trouble = "it is being made anew"
        await gallery.clear()
        position = Position(log, 0)
        await gallery.mark(position)
        return position

    async def _apply(self, gallery: MilvusGallery, batch: Sequence[Change]) -> None:
        """What is gone by now is not added any more."""
        gone, come = outcome(batch)
        await gallery.remove(gone)
        await gallery.add(await self._faces.templates(come, self._place.pack))

    async def _set_aside(self, error: Broken) -> None:
        """A file that does not load is no loss: the truth has all of it."""
        await self.close()
        store = self._place.store
        if not isinstance(store, LiteStore):
            raise error
        aside = store.path.with_name(f"{store.path.name}.broken")
        await asyncio.to_thread(_replace, store.path, aside)
        _log.error("%s; it was set aside as %s and is made anew", error, aside.name)
        self.trouble = "its file was broken, and is made anew"


def _leads_to(head: Head, position: Position) -> bool:
    """Whether the log, as it stands, is what was followed up to there."""
    return position.log == head.log and position.number <= head.number


def _replace(source: Path, target: Path) -> None:
    """Move a file or a folder, over one that may be there."""
    shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
    if source.exists():
        source.rename(target)
