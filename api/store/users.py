"""Those who may sign in."""

import uuid
from collections.abc import Sequence

import asyncpg

from api.store.database import Database
from api.store.messages import Conflict, NotFound, User, UserId

_COLUMNS = "id, name, created_at"


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

    async def add(self, name: str, password_hash: str) -> User:
        """Make a user.

        Raises:
            Conflict: the name is taken.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "insert into users (id, name, password_hash) values ($1, $2, $3)"
                f" on conflict (name) do nothing returning {_COLUMNS}",
                uuid.uuid4(),
                name,
                password_hash,
            )
        if row is None:
            raise Conflict(f"there is a user {name!r} already")
        return _user(row)

    async def add_first(self, name: str, password_hash: str) -> User | None:
        """Make a user if there is none at all; None if there is one."""
        async with self._database.transaction() as connection:
            await connection.execute("lock table users in share row exclusive mode")
            row = await connection.fetchrow(
                "insert into users (id, name, password_hash) select $1, $2, $3"
                f" where not exists (select from users) returning {_COLUMNS}",
                uuid.uuid4(),
                name,
                password_hash,
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

    async def remove(self, user: UserId) -> None:
        """Delete a user, whose tokens are worth nothing from then on.

        Raises:
            NotFound: there is none.
        """
        async with self._database.connection() as connection:
            found = await connection.fetchval(
                "delete from users where id = $1 returning true", user
            )
        if not found:
            raise NotFound(f"there is no user {user}")


def _user(row: asyncpg.Record) -> User:
    return User(UserId(str(row["id"])), row["name"], row["created_at"])
