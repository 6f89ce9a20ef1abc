"""The people of a gallery."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

import asyncpg

from api.store.changes import record
from api.store.database import Connection, Database
from api.store.messages import Change, Kind, NotFound, Person
from pipeline.messages import FaceId, GalleryId, PersonId

_PERSON = (
    "select people.id, people.name, people.ignored, people.created_at, people.updated_at,"
    " (select count(*) from faces where faces.person = people.id and not counter) as faces"
    " from people"
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some people in order, and the person after whom the next page begins, if there is one."""

    people: Sequence[Person]
    next: PersonId | None


class People:
    """The table of people, as one gallery sees it."""

    def __init__(self, database: Database, gallery: GalleryId) -> None:
        self._database = database
        self._gallery = gallery

    async def page(self, query: str, after: PersonId | None, most: int) -> Page:
        """The people whose name contains ``query``, by name, at most so many, after ``after``."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"{_PERSON} where gallery = $1 and strpos(lower(name), lower($2)) > 0"
                " and ($3::uuid is null or (lower(name), id) >"
                " (select lower(name), id from people where id = $3))"
                " order by lower(name), id limit $4",
                self._gallery,
                query,
                after,
                most + 1,
            )
        people = [_person(row) for row in rows[:most]]
        return Page(people, people[-1].id if len(rows) > most else None)

    async def get(self, person: PersonId) -> Person:
        """One person.

        Raises:
            NotFound: nobody has this id.
        """
        async with self._database.connection() as connection:
            return await self._get(connection, person)

    async def add(self, name: str) -> tuple[Person, Sequence[Change]]:
        """Make a person without a face."""
        person = PersonId(str(uuid.uuid4()))
        async with self._database.transaction() as connection:
            await connection.execute(
                "insert into people (id, gallery, name) values ($1, $2, $3)",
                person,
                self._gallery,
                name,
            )
            changes = await record(connection, self._gallery, Kind.PERSON_NAMED, person)
            return await self._get(connection, person), changes

    async def rename(self, person: PersonId, name: str) -> tuple[Person, Sequence[Change]]:
        """Give a person another name.

        Raises:
            NotFound: nobody has this id.
        """
        return await self._change(person, "name = $3", name)

    async def ignore(self, person: PersonId, *, ignored: bool) -> tuple[Person, Sequence[Change]]:
        """Tell nobody of a person from now on, or tell again.

        Raises:
            NotFound: nobody has this id.
        """
        return await self._change(person, "ignored = $3", ignored)

    async def _change(
        self, person: PersonId, assignment: LiteralString, value: str | bool
    ) -> tuple[Person, Sequence[Change]]:
        """Whoever follows the log reads the person anew."""
        async with self._database.transaction() as connection:
            await connection.execute(
                f"update people set {assignment}, updated_at = now()"
                " where id = $1 and gallery = $2",
                person,
                self._gallery,
                value,
            )
            found = await self._get(connection, person)
            changes = await record(connection, self._gallery, Kind.PERSON_NAMED, person)
            return found, changes

    async def remove(self, person: PersonId) -> Sequence[Change]:
        """Delete a person with all faces.

        Raises:
            NotFound: nobody has this id.
        """
        async with self._database.transaction() as connection:
            await self._get(connection, person, lock=True)
            rows = await connection.fetch(
                "delete from faces where person = $1 returning id", person
            )
            await connection.execute("delete from people where id = $1", person)
            faces = [FaceId(str(row["id"])) for row in rows]
            removed = await record(connection, self._gallery, Kind.FACE_REMOVED, person, faces)
            gone = await record(connection, self._gallery, Kind.PERSON_REMOVED, person)
            return [*removed, *gone]

    async def names(self, people: Iterable[PersonId] | None = None) -> Mapping[PersonId, str]:
        """The names of these people, or of all; who is not there is left out."""
        wanted = None if people is None else list(people)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "select id, name from people"
                " where gallery = $1 and ($2::uuid[] is null or id = any($2))",
                self._gallery,
                wanted,
            )
        return {PersonId(str(row["id"])): row["name"] for row in rows}

    async def ignored(self, people: Iterable[PersonId] | None = None) -> set[PersonId]:
        """Those of these people, or of all, who are ignored."""
        wanted = None if people is None else list(people)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "select id from people"
                " where gallery = $1 and ignored and ($2::uuid[] is null or id = any($2))",
                self._gallery,
                wanted,
            )
        return {PersonId(str(row["id"])) for row in rows}

    async def _get(self, connection: Connection, person: PersonId, *, lock: bool = False) -> Person:
        row = await connection.fetchrow(
            f"{_PERSON} where id = $1 and gallery = $2" + (" for update" if lock else ""),
            person,
            self._gallery,
        )
        if row is None:
            raise NotFound(f"there is no person {person}")
        return _person(row)


def _person(row: asyncpg.Record) -> Person:
    return Person(
        id=PersonId(str(row["id"])),
        name=row["name"],
        ignored=row["ignored"],
        faces=row["faces"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
