"""Those who may sign in."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from api.store.database import Connection, Database
from api.store.messages import Conflict, NotFound, Role, User, UserId

_COLUMNS = "id, name, role, created_at"


class Users:
    """The table of users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[User]:
        """Everyone, by name."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(f"select {_COLUMNS} from users order by name")
        return [_user(row) for row in rows]

    async def get(self, user: UserId) -> User | None:
        """The user of this id."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(f"select {_COLUMNS} from users where id = $1", user)
        return _user(row) if row else None

    async def add(self, name: str, password_hash: str, role: Role) -> User:
        """Make a user.

        Raises:
            Conflict: the name is taken.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "insert into users (id, name, password_hash, role) values ($1, $2, $3, $4)"
                f" on conflict (name) do nothing returning {_COLUMNS}",
                uuid.uuid4(),
                name,
                password_hash,
                role,
            )
        if row is None:
            raise Conflict(f"there is a user {name!r} already")
        return _user(row)

    async def add_first(self, name: str, password_hash: str) -> User | None:
        """Make an administrator if there is no user at all; None if there is one."""
        async with self._database.transaction() as connection:
            await connection.execute("lock table users in share row exclusive mode")
            row = await connection.fetchrow(
                "insert into users (id, name, password_hash, role) select $1, $2, $3, $4"
                f" where not exists (select from users) returning {_COLUMNS}",
                uuid.uuid4(),
                name,
                password_hash,
                Role.ADMINISTRATOR,
            )
        return _user(row) if row else None

    async def credentials(self, name: str) -> tuple[User, str] | None:
        """The user of this name with the hash of the password."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"select {_COLUMNS}, password_hash from users where name = $1", name
            )
        return (_user(row), row["password_hash"]) if row else None

    async def set_password(self, user: UserId, password_hash: str) -> None:
        """Replace the hash of the password."""
        async with self._database.connection() as connection:
            await connection.execute(
                "update users set password_hash = $2 where id = $1", user, password_hash
            )

    async def set_role(self, user: UserId, role: Role) -> User:
        """Say what a user may do from now on.

        Raises:
            NotFound: there is none.
            Conflict: no administrator would be left.
        """
        async with self._changing() as connection:
            row = await connection.fetchrow(
                f"update users set role = $2 where id = $1 returning {_COLUMNS}", user, role
            )
            if row is None:
                raise NotFound(f"there is no user {user}")
        return _user(row)

    async def remove(self, user: UserId) -> None:
        """Delete a user, whose tokens are worth nothing from then on.

        Raises:
            NotFound: there is none.
            Conflict: no administrator would be left.
        """
        async with self._changing() as connection:
            if not await connection.fetchval(
                "delete from users where id = $1 returning true", user
            ):
                raise NotFound(f"there is no user {user}")

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Connection]:
        """A transaction after which an administrator is left.

        One at a time, so that two who take each other's role cannot both succeed.
        """
        async with self._database.transaction() as connection:
            await connection.execute("lock table users in share row exclusive mode")
            yield connection
            if not await connection.fetchval(
                "select exists (select from users where role = $1)", Role.ADMINISTRATOR
            ):
                raise Conflict("an administrator has to remain: make another one first")


def _user(row: asyncpg.Record) -> User:
    return User(UserId(str(row["id"])), row["name"], Role(row["role"]), row["created_at"])
