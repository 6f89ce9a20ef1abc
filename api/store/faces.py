"""The templates of a gallery's people, sealed."""

import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace

import asyncpg
import numpy as np

from api.store.changes import record
from api.store.database import Connection, Database
from api.store.messages import Change, Kind, NewFace, NotFound, StoredFace
from api.store.sealing import Keyring
from pipeline.counterexamples import other_than
from pipeline.errors import BadInput
from pipeline.messages import EnrolledFace, FaceId, GalleryId, PackId, PersonId, Vector

_COLUMNS = "id, person, pack, width, height, created_at, set_aside"


@dataclass(frozen=True, slots=True)
class Census:
    """How many people a gallery has, and how many templates by one pack that are searched."""

    people: int
    faces: int


class Faces:
    """The table of faces, as one gallery sees it: sealed on the way in, opened on the way out."""

    def __init__(self, database: Database, gallery: GalleryId, keys: Keyring) -> None:
        self._database = database
        self._gallery = gallery
        self._keys = keys

    async def of(self, person: PersonId, *, counter: bool = False) -> Sequence[StoredFace]:
        """A person's faces, or her counter-examples, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"select {_COLUMNS} from faces where person = $1 and counter = $2"
                " order by created_at, id",
                person,
                counter,
            )
        return [_face(row) for row in rows]

    async def add(self, person: PersonId, new: NewFace) -> tuple[StoredFace, Sequence[Change]]:
        """Keep a template; the same photograph of the same person is kept once.

        Raises:
            BadInput: it is kept as the opposite: a face of hers, or a counter-example.
            NotFound: nobody has this id.
        """
        face = FaceId(str(uuid.uuid4()))
        async with self._database.transaction() as connection:
            await self._lock(connection, person)
            there = await connection.fetchrow(
                f"select {_COLUMNS}, counter from faces"
                " where person = $1 and pack = $2 and photograph = $3",
                person,
                new.pack,
                new.photograph,
            )
            if there is not None and there["counter"] != new.counter:
                kept = "a counter-example" if there["counter"] else "a face"
                raise BadInput(f"this photograph is kept as {kept} of person {person}: delete that")
            if there is not None:
                return _face(there), []
            row = await self._insert(connection, face, person, new)
            changes = await record(connection, self._gallery, Kind.FACE_ADDED, person, [face])
        return _face(row), changes

    async def remove(self, person: PersonId, face: FaceId) -> Sequence[Change]:
        """Delete a template with its crop.

        Raises:
            NotFound: the person has no such face.
        """
        async with self._database.transaction() as connection:
            await self._lock(connection, person)
            gone = await connection.fetchval(
                "delete from faces where id = $1 and person = $2 returning true",
                face,
                person,
            )
            if not gone:
                raise NotFound(f"person {person} has no face {face}")
            return await record(connection, self._gallery, Kind.FACE_REMOVED, person, [face])

    async def set_aside(
        self, person: PersonId, face: FaceId, *, aside: bool
    ) -> tuple[StoredFace, Sequence[Change]]:
        """Take a template out of the search, or back into it; nothing changes if it is so already.

        Raises:
            NotFound: the person has no such face.
        """
        kind = Kind.FACE_REMOVED if aside else Kind.FACE_ADDED
        async with self._database.transaction() as connection:
            await self._lock(connection, person)
            row = await connection.fetchrow(
                f"select {_COLUMNS} from faces where id = $1 and person = $2", face, person
            )
            if row is None:
                raise NotFound(f"person {person} has no face {face}")
            if row["set_aside"] == aside:
                return _face(row), []
            await connection.execute("update faces set set_aside = $2 where id = $1", face, aside)
            changes = await record(connection, self._gallery, kind, person, [face])
        return replace(_face(row), set_aside=aside), changes

    async def crop(self, person: PersonId, face: FaceId) -> bytes:
        """The picture of a face, a JPEG.

        Raises:
            NotFound: the person has no such face.
        """
        async with self._database.connection() as connection:
            sealed = await connection.fetchval(
                "select crop from faces join people on people.id = person"
                " where faces.id = $1 and person = $2 and gallery = $3",
                face,
                person,
                self._gallery,
            )
        if sealed is None:
            raise NotFound(f"person {person} has no face {face}")
        return self._keys.unseal(sealed, _context(face, "crop"))

    async def templates(self, faces: Collection[FaceId], pack: PackId) -> Sequence[EnrolledFace]:
        """Those of ``faces`` that are searched still and were made by ``pack``, opened."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "select id, person, counter, template from faces"
                " where pack = $2 and id = any($1) and not set_aside",
                list(faces),
                pack,
            )
        return [self._enrolled(row) for row in rows]

    async def pages(self, pack: PackId, size: int) -> AsyncIterator[Sequence[EnrolledFace]]:
        """All templates by ``pack`` that are searched, opened, so many at once."""
        last = uuid.UUID(int=0)
        while True:
            async with self._database.connection() as connection:
                rows = await connection.fetch(
                    "select faces.id, person, counter, template"
                    " from faces join people on people.id = person"
                    " where pack = $1 and gallery = $2 and faces.id > $3 and not set_aside"
                    " order by faces.id limit $4",
                    pack,
                    self._gallery,
                    last,
                    size,
                )
            if not rows:
                return
            yield [self._enrolled(row) for row in rows]
            last = rows[-1]["id"]

    async def standing(self, faces: Collection[FaceId]) -> set[FaceId]:
        """Those of ``faces`` that have been neither deleted nor set aside."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "select id from faces where id = any($1) and not set_aside", list(faces)
            )
        return {FaceId(str(row["id"])) for row in rows}

    async def ids(self, pack: PackId) -> set[FaceId]:
        """Every template by ``pack`` that is searched."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "select faces.id from faces join people on people.id = person"
                " where pack = $1 and gallery = $2 and not set_aside",
                pack,
                self._gallery,
            )
        return {FaceId(str(row["id"])) for row in rows}

    async def census(self, pack: PackId) -> Census:
        """How many there are."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "select (select count(*) from people where gallery = $2) as people,"
                " (select count(*) from faces join people on people.id = person"
                " where pack = $1 and gallery = $2 and not set_aside) as faces",
                pack,
                self._gallery,
            )
        return Census(**row) if row else Census(0, 0)

    async def _insert(
        self, connection: Connection, face: FaceId, person: PersonId, new: NewFace
    ) -> asyncpg.Record:
        row = await connection.fetchrow(
            "insert into faces"
            " (id, person, pack, template, crop, width, height, photograph, counter)"
            f" values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning {_COLUMNS}",
            face,
            person,
            new.pack,
            self._keys.seal(_written(new.template), _context(face, "template")),
            self._keys.seal(new.crop, _context(face, "crop")),
            new.width,
            new.height,
            new.photograph,
            new.counter,
        )
        if row is None:  # pragma: no cover - an insert without a condition returns its row
            raise NotFound(f"person {person} has no face {face}")
        return row

    async def _lock(self, connection: Connection, person: PersonId) -> None:
        """Hold a person against being changed or deleted meanwhile."""
        found = await connection.fetchval(
            "select true from people where id = $1 and gallery = $2 for update",
            person,
            self._gallery,
        )
        if not found:
            raise NotFound(f"there is no person {person}")

    def _enrolled(self, row: asyncpg.Record) -> EnrolledFace:
        face = FaceId(str(row["id"]))
        written = self._keys.unseal(row["template"], _context(face, "template"))
        person = PersonId(str(row["person"]))
        whose = other_than(person) if row["counter"] else person
        return EnrolledFace(face, whose, _read(written))


def _written(template: Vector) -> bytes:
    """A template as it is sealed: its numbers as little-endian float32."""
    return template.astype("<f4").tobytes()


def _read(written: bytes) -> Vector:
    return np.frombuffer(written, "<f4").astype(np.float32)


def _context(face: FaceId, part: str) -> str:
    """What an envelope is bound to, so that none can be put in another's place."""
    return f"faces/{face}/{part}"


def _face(row: asyncpg.Record) -> StoredFace:
    return StoredFace(
        id=FaceId(str(row["id"])),
        person=PersonId(str(row["person"])),
        pack=PackId(row["pack"]),
        width=row["width"],
        height=row["height"],
        created_at=row["created_at"],
        set_aside=row["set_aside"],
    )
