"""Whole tables, out of a database and into another: what a backup is made of."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from graphlib import TopologicalSorter
from typing import BinaryIO

from api.store.database import Connection, Database
from api.store.migrate import advance, shipped_migrations, version
from pipeline.errors import Misconfigured

_PATIENCE = 3600.0
"""Seconds for one table."""


class Copies:
    """One state of all tables, however long reading takes, or the making of one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def version(self) -> int:
        """At which version the tables are."""
        return await version(self._connection)

    async def tables(self) -> Sequence[str]:
        """All but the list of migrations, each after those it refers to."""
        names = await self._connection.fetch(
            "select tablename from pg_tables"
            " where schemaname = current_schema() and tablename <> 'schema_migrations'"
            " order by tablename"
        )
        order = TopologicalSorter({name: set[str]() for (name,) in names})
        references = await self._connection.fetch(
            "select conrelid::regclass::text, confrelid::regclass::text from pg_constraint"
            " where contype = 'f' and connamespace = current_schema()::regnamespace"
            " and conrelid <> confrelid"
        )
        for referring, referred in references:
            order.add(referring, referred)
        return list(order.static_order())

    async def read(self, table: str, into: BinaryIO) -> int:
        """Write a table's rows in PostgreSQL's binary format; says how many."""
        status = await self._connection.copy_from_table(
            table, output=into, format="binary", timeout=_PATIENCE
        )
        return _rows(status)

    async def write(self, table: str, source: BinaryIO) -> int:
        """Fill a table with what ``read`` wrote; says how many rows."""
        status = await self._connection.copy_to_table(
            table, source=source, format="binary", timeout=_PATIENCE
        )
        return _rows(status)

    async def end_logs(self) -> None:
        """Give every log of changes a new id: who followed it further than here begins anew."""
        await self._connection.execute("update galleries set log_id = gen_random_uuid()")

    async def bring_up_to_date(self) -> None:
        """Take the steps from the copied version to this program's."""
        await advance(self._connection, shipped_migrations())


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Copies]:
    """All tables as they are at this moment; others go on writing meanwhile.

    Raises:
        Misconfigured: there are none.
        Transient: the server is away.
    """
    async with (
        database.connection() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        copies = Copies(connection)
        if not await copies.tables():
            raise Misconfigured("the database is empty: there is nothing to copy")
        yield copies


@asynccontextmanager
async def replacement(database: Database, at: int, *, replace: bool) -> AsyncIterator[Copies]:
    """Empty tables of version ``at``, which stand in place of all there are if nothing fails.

    Raises:
        Misconfigured: there are tables that hold something and ``replace`` is not given, or the
            version is not known here.
        Transient: the server is away.
    """
    steps = [step for step in shipped_migrations() if step.version <= at]
    if not steps or steps[-1].version != at:
        raise Misconfigured(
            f"the backup is of version {at} of the tables, this program knows up to "
            f"{shipped_migrations()[-1].version}: restore it with the program that made it"
        )
    async with database.transaction() as connection:
        copies = Copies(connection)
        there = await copies.tables()
        if not replace and (full := await _that_hold_something(connection, there)):
            raise Misconfigured(f"the database is not empty ({full}): --replace replaces all of it")
        for table in [*there, "schema_migrations"]:
            await connection.execute(f'drop table if exists "{table}" cascade')
        await advance(connection, steps)
        for table in await copies.tables():  # some come with rows
            await connection.execute(f'truncate table "{table}" cascade')
        yield copies


async def _that_hold_something(connection: Connection, tables: Sequence[str]) -> str:
    """Those a person has put something into."""
    holding = [
        table
        for table in tables
        if table != "galleries"
        and await connection.fetchval(f'select exists (select from "{table}")')
    ]
    return ", ".join(holding)


def _rows(status: str) -> int:
    """Of an answer such as ``COPY 12``."""
    return int(status.rpartition(" ")[2])
