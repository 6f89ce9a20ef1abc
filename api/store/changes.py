"""The numbered log of what happened to a gallery, from which every index is made."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from api.store.database import Connection, Database
from api.store.messages import Change, Kind
from pipeline.errors import Misconfigured
from pipeline.messages import FaceId, GalleryId, PersonId

CHANNEL = "gallery_changes"
"""Notified when a gallery has changed; who missed it finds the change all the same."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log stands: its own id, and the number of its newest change (0 if it is empty)."""

    log: str
    number: int


async def record(
    connection: Connection,
    gallery: GalleryId,
    kind: Kind,
    person: PersonId,
    faces: Sequence[FaceId | None] = (None,),
) -> Sequence[Change]:
    """Write changes in the transaction that makes them, one for each of ``faces``.

    The gallery's row stays locked until the commit: numbers and commits have one order.
    """
    newest = await connection.fetchval(
        "update galleries set changes = changes + $2 where id = $1 returning changes",
        gallery,
        len(faces),
    )
    changes = [
        Change(number, kind, person, face)
        for number, face in enumerate(faces, newest - len(faces) + 1)
    ]
    await connection.executemany(
        "insert into gallery_changes (gallery, number, kind, person, face)"
        " values ($1, $2, $3, $4, $5)",
        [(gallery, one.number, one.kind, one.person, one.face) for one in changes],
    )
    await connection.execute(f"notify {CHANNEL}")
    return changes


class Changes:
    """One gallery's log, for those who follow it."""

    def __init__(self, database: Database, gallery: GalleryId) -> None:
        self._database = database
        self._gallery = gallery

    async def head(self) -> Head:
        """Where the log stands."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "select log_id, changes from galleries where id = $1", self._gallery
            )
        if row is None:
            raise Misconfigured(f"the database has no gallery {self._gallery} any more")
        return Head(str(row["log_id"]), row["changes"])

    async def after(self, number: int, most: int) -> Sequence[Change]:
        """The changes that follow on ``number``, oldest first, at most so many."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "select number, kind, person, face from gallery_changes"
                " where gallery = $1 and number > $2 order by number limit $3",
                self._gallery,
                number,
                most,
            )
        return [_change(row) for row in rows]

    @asynccontextmanager
    async def exclusive(self, index: str) -> AsyncIterator[None]:
        """Be the only process that writes this index, as long as the database is there."""
        async with self._database.transaction() as connection:
            await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", index)
            yield


async def gallery_named(database: Database, name: str) -> GalleryId:
    """The id of a gallery.

    Raises:
        Misconfigured: there is none of this name.
    """
    async with database.connection() as connection:
        found = await connection.fetchval("select id from galleries where name = $1", name)
    if found is None:
        raise Misconfigured(f"the database has no gallery {name!r}")
    return GalleryId(str(found))


def _change(row: asyncpg.Record) -> Change:
    face = row["face"]
    return Change(
        number=row["number"],
        kind=Kind(row["kind"]),
        person=PersonId(str(row["person"])),
        face=None if face is None else FaceId(str(face)),
    )
