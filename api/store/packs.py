"""Which pack people are named by, and the change to another one: templates side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import asyncpg

from api.store.changes import CHANNEL
from api.store.database import Connection, Database
from api.store.faces import context, keep_template, written
from api.store.messages import Conflict, NotFound
from api.store.sealing import Keyring, Tampered
from pipeline.messages import FaceId, GalleryId, PackId, PersonId, Vector

_FACES = "faces join people on people.id = person"
_UNDONE = (
    "not exists (select from templates where templates.pack = $2 and templates.face = faces.id)"
    " and not exists (select from refusals where refusals.pack = $2 and refusals.face = faces.id)"
)
"""Faces that were not tried with the pack $2 yet."""
_PATIENCE = 600.0
"""Seconds for what goes over the whole gallery."""
_AT_ONCE = 1000
"""Templates deleted in one step."""


@dataclass(frozen=True, slots=True)
class UsedPack:
    """A pack, and the settings that open it, as JSON."""

    id: PackId
    model: str


class Stage(StrEnum):
    """How far the change of a pack is."""

    EMBEDDING = "embedding"
    """Templates are made of the stored photographs; people are named by the pack before."""
    SWITCHING = "switching"
    """People are named by the new pack; what the one before left is being cleared away."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Reembedding:
    """A change of the pack; with ``leave_behind`` also if somebody is not recognized after it."""

    to: UsedPack
    leave_behind: bool
    stage: Stage
    begun_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Faces in all, those with a template by a pack, and those that it refused."""

    faces: int
    embedded: int
    refused: int

    @property
    def left(self) -> int:
        """Those that were not tried yet."""
        return self.faces - self.embedded - self.refused


@dataclass(frozen=True, slots=True)
class StoredPhotograph:
    """What is kept of a photograph: the face with its surroundings, a JPEG."""

    face: FaceId
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """A face that a pack cannot use; ``lost`` if its person has no other one that it can."""

    face: FaceId
    person: PersonId
    name: str
    reason: str
    lost: bool


class Packs:
    """The packs of one gallery."""

    def __init__(self, database: Database, gallery: GalleryId, keys: Keyring) -> None:
        self._database = database
        self._gallery = gallery
        self._keys = keys

    async def settle(self, configured: UsedPack) -> UsedPack:
        """The pack that people are named by; a gallery without a template takes the configured one.

        One of which no start has made a note yet has the pack of most of its templates.
        """
        async with self._database.transaction() as connection:
            used = await self._used(connection)
            counts = await connection.fetch(
                f"select pack from templates join {_FACES} on faces.id = templates.face"
                " where gallery = $1 group by pack order by count(*) desc",
                self._gallery,
                timeout=_PATIENCE,
            )
            there = [row["pack"] for row in counts]
            if not there or (used is None and configured.id in there):
                used = configured
            elif used is None:
                used = UsedPack(PackId(there[0]), "")
            elif used.id == configured.id:
                used = configured  # it may lie elsewhere by now
            await self._use(connection, used)
        return used

    async def used(self) -> UsedPack | None:
        """The pack that people are named by; None before the first start."""
        async with self._database.connection() as connection:
            return await self._used(connection)

    async def reembedding(self) -> Reembedding | None:
        """The latest change; None if there was none."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "select * from reembeddings where gallery = $1", self._gallery
            )
        return None if row is None else _reembedding(row)

    async def begin(self, to: UsedPack, *, leave_behind: bool) -> Reembedding:
        """Begin to change the pack.

        Raises:
            Conflict: it is being changed, or is this one already.
        """
        async with self._database.transaction() as connection:
            await self._lock(connection)
            used = await self._used(connection)
            if used is not None and used.id == to.id:
                raise Conflict(f"people are named by {to.id} already")
            row = await connection.fetchrow(
                "insert into reembeddings as old (gallery, pack, model, leave_behind, state)"
                " values ($1, $2, $3, $4, 'embedding') on conflict (gallery) do update"
                " set pack = $2, model = $3, leave_behind = $4, state = 'embedding',"
                " begun_at = now(), ended_at = null where old.state = 'done' returning *",
                self._gallery,
                to.id,
                to.model,
                leave_behind,
            )
            if row is None:
                raise Conflict("the pack is being changed already: wait for it, or cancel it")
            await self._forget(connection, to.id)
            await connection.execute(f"notify {CHANNEL}")
        return _reembedding(row)

    async def leave_behind(self, *, allowed: bool) -> Reembedding:
        """Say whether people may be lost by the change that is under way.

        Raises:
            NotFound: there is none.
        """
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                "update reembeddings set leave_behind = $2"
                " where gallery = $1 and state = 'embedding' returning *",
                self._gallery,
                allowed,
            )
            await connection.execute(f"notify {CHANNEL}")
        if row is None:
            raise NotFound("the pack is not being changed")
        return _reembedding(row)

    async def cancel(self) -> None:
        """Give the change up; what was made for it is deleted.

        Raises:
            NotFound: there is none.
            Conflict: people are named by the new pack already.
        """
        async with self._database.transaction() as connection:
            await self._lock(connection)
            row = await connection.fetchrow(
                "select * from reembeddings where gallery = $1 for update", self._gallery
            )
            if row is None or row["state"] == Stage.DONE:
                raise NotFound("the pack is not being changed")
            if row["state"] == Stage.SWITCHING:
                raise Conflict("people are named by the new pack already: change it back instead")
            await connection.execute("delete from reembeddings where gallery = $1", self._gallery)
            await self._forget(connection, row["pack"])
            await connection.execute(f"notify {CHANNEL}")

    async def untried(self, pack: PackId, after: FaceId, most: int) -> Sequence[StoredPhotograph]:
        """Faces that this pack was not tried on yet, by id from after one on, at most so many."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"select faces.id, crop from {_FACES} where gallery = $1 and faces.id > $3"
                f" and {_UNDONE} order by faces.id limit $4",
                self._gallery,
                pack,
                after,
                most,
                timeout=_PATIENCE,
            )
        return [self._photograph(FaceId(str(row["id"])), row["crop"]) for row in rows]

    async def tried(self, pack: PackId, outcomes: Sequence[tuple[FaceId, Vector | str]]) -> bool:
        """Keep a template by this pack, or why it has none, of faces that are there still.

        False, and nothing is kept, where the change was given up meanwhile.
        """
        async with self._database.transaction() as connection:
            wanted = await connection.fetchval(
                "select true from reembeddings"
                " where gallery = $1 and pack = $2 and state = 'embedding' for share",
                self._gallery,
                pack,
            )
            if not wanted:
                return False
            for face, outcome in outcomes:
                if isinstance(outcome, str):
                    await self._refuse(connection, pack, face, outcome)
                else:
                    sealed = self._keys.seal(written(outcome), context(face, "template"))
                    await keep_template(connection, pack, face, sealed)
        return True

    async def tally(self, pack: PackId) -> Tally:
        """How far a pack is with the faces of the gallery."""
        async with self._database.connection() as connection:
            return await self._tally(connection, pack)

    async def refusals(self, pack: PackId) -> Sequence[Refusal]:
        """The faces that a pack cannot use, by person."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "select faces.id, person, name, reason, not exists ("
                " select from faces others join templates on templates.face = others.id"
                " where others.person = people.id and not others.counter"
                " and templates.pack = $2) and not faces.counter as lost"
                f" from {_FACES} join refusals on refusals.face = faces.id"
                " where gallery = $1 and refusals.pack = $2 order by lower(name), person, faces.id",
                self._gallery,
                pack,
                timeout=_PATIENCE,
            )
        return [
            Refusal(
                FaceId(str(row["id"])),
                PersonId(str(row["person"])),
                row["name"],
                row["reason"],
                row["lost"],
            )
            for row in rows
        ]

    async def may_switch(self) -> bool:
        """Whether every face was tried, and nobody would be lost against the operator's will."""
        async with self._database.connection() as connection:
            return await self._may_switch(connection) is not None

    async def switch(self) -> bool:
        """Name people by the new pack from now on, if every face was tried and nobody is lost.

        Whoever adds a face waits for this, or is refused after it.
        """
        async with self._database.transaction() as connection:
            await self._lock(connection)
            to = await self._may_switch(connection)
            if to is None:
                return False
            await self._use(connection, to)
            await connection.execute(
                "update reembeddings set state = 'switching' where gallery = $1", self._gallery
            )
            await connection.execute(f"notify {CHANNEL}")
        return True

    async def clear(self) -> None:
        """Delete what was made by other packs than the one in use, step by step; then it is done.

        Nothing happens where no change is being finished.
        """
        while await self._clear():
            pass
        async with self._database.transaction() as connection:
            await connection.execute(
                f"delete from refusals using {_FACES} join galleries on galleries.id = gallery"
                " where refusals.face = faces.id and galleries.id = $1"
                " and refusals.pack <> galleries.pack",
                self._gallery,
            )
            await connection.execute(
                "update reembeddings set state = 'done', ended_at = now()"
                " where gallery = $1 and state = 'switching'",
                self._gallery,
            )

    async def _may_switch(self, connection: Connection) -> UsedPack | None:
        row = await connection.fetchrow(
            "select * from reembeddings where gallery = $1 and state = 'embedding'", self._gallery
        )
        if row is None or (await self._tally(connection, row["pack"])).left:
            return None
        if not row["leave_behind"] and await self._lost(connection, row["pack"]):
            return None
        return UsedPack(PackId(row["pack"]), row["model"])

    def _photograph(self, face: FaceId, sealed: bytes) -> StoredPhotograph:
        try:
            return StoredPhotograph(face, self._keys.unseal(sealed, context(face, "crop")))
        except Tampered:
            return StoredPhotograph(face, b"")  # it is no picture, and will be refused as such

    async def _clear(self) -> bool:
        async with self._database.transaction() as connection:
            gone = await connection.fetch(
                "delete from templates where (pack, face) in (select templates.pack, faces.id"
                f" from {_FACES} join galleries on galleries.id = gallery"
                " join reembeddings on reembeddings.gallery = galleries.id"
                " join templates on templates.face = faces.id"
                " where galleries.id = $1 and state = 'switching'"
                " and templates.pack <> galleries.pack limit $2) returning 1",
                self._gallery,
                _AT_ONCE,
                timeout=_PATIENCE,
            )
        return bool(gone)

    async def _lock(self, connection: Connection) -> None:
        await connection.execute(
            "select from galleries where id = $1 for no key update", self._gallery
        )

    async def _used(self, connection: Connection) -> UsedPack | None:
        row = await connection.fetchrow(
            "select pack, model from galleries where id = $1 and pack is not null", self._gallery
        )
        return None if row is None else UsedPack(PackId(row["pack"]), row["model"])

    async def _use(self, connection: Connection, used: UsedPack) -> None:
        await connection.execute(
            "update galleries set pack = $2, model = $3 where id = $1",
            self._gallery,
            used.id,
            used.model,
        )

    async def _forget(self, connection: Connection, pack: PackId) -> None:
        """Delete what was made by a pack that nobody is named by."""
        for table in ("templates", "refusals"):
            await connection.execute(
                f"delete from {table} using {_FACES} where {table}.face = faces.id"
                f" and gallery = $1 and {table}.pack = $2",
                self._gallery,
                pack,
                timeout=_PATIENCE,
            )

    async def _refuse(
        self, connection: Connection, pack: PackId, face: FaceId, reason: str
    ) -> None:
        await connection.execute(
            "insert into refusals (pack, face, reason)"
            " select $1, id, $3 from faces where id = $2 for key share on conflict do nothing",
            pack,
            face,
            reason,
        )

    async def _tally(self, connection: Connection, pack: PackId) -> Tally:
        row = await connection.fetchrow(
            "select count(*) as faces, count(templates.face) as embedded,"
            f" count(refusals.face) as refused from {_FACES}"
            " left join templates on templates.face = faces.id and templates.pack = $2"
            " left join refusals on refusals.face = faces.id and refusals.pack = $2"
            " where gallery = $1",
            self._gallery,
            pack,
            timeout=_PATIENCE,
        )
        return Tally(**row) if row else Tally(0, 0, 0)

    async def _lost(self, connection: Connection, pack: PackId) -> bool:
        """Whether somebody has faces, and none that this pack can use."""
        lost: bool = await connection.fetchval(
            "select exists (select from people where gallery = $1"
            " and exists (select from faces where person = people.id and not counter)"
            " and not exists (select from faces join templates on templates.face = faces.id"
            " where person = people.id and not counter and templates.pack = $2))",
            self._gallery,
            pack,
            timeout=_PATIENCE,
        )
        return lost


def _reembedding(row: asyncpg.Record) -> Reembedding:
    return Reembedding(
        to=UsedPack(PackId(row["pack"]), row["model"]),
        leave_behind=row["leave_behind"],
        stage=Stage(row["state"]),
        begun_at=row["begun_at"],
        ended_at=row["ended_at"],
    )
