"""The tables as this version of the program wants them: forward only, one program at a time."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from api.store.database import Connection, Database
from pipeline.errors import Misconfigured

_PATIENCE = 3600.0
"""Seconds for one step."""
_LOCK = 0x66616365
"""Any number that is ours: the advisory lock under which tables change."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step forward."""

    version: int
    name: str
    sql: str


def shipped_migrations() -> list[Migration]:
    """All steps from an empty database on, in order."""
    return sorted(_read(), key=lambda step: step.version)


async def migrate(database: Database) -> int:
    """Take the steps that this database has not taken yet; says which version it is at then.

    Raises:
        Misconfigured: a newer version of the program has been here.
        Transient: the server is away.
    """
    async with database.transaction() as connection:
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        return await advance(connection, shipped_migrations())


async def advance(connection: Connection, steps: Sequence[Migration]) -> int:
    """Take those of ``steps`` that were not taken yet; says which version it is at then.

    Raises:
        Misconfigured: a newer version of the program has been here.
    """
    await connection.execute(
        "create table if not exists schema_migrations ("
        "version integer primary key, name text not null,"
        " applied_at timestamptz not null default now())"
    )
    taken = await version(connection)
    if taken > steps[-1].version:
        raise Misconfigured(
            f"the database is at version {taken}, this program knows up to {steps[-1].version}: "
            "start the newer program, or restore a backup from before it"
        )
    for step in steps:
        if step.version > taken:
            await connection.execute(step.sql, timeout=_PATIENCE)
            await connection.execute(
                "insert into schema_migrations (version, name) values ($1, $2)",
                step.version,
                step.name,
            )
    return steps[-1].version


async def version(connection: Connection) -> int:
    """At which version the tables are; 0 if no step was taken."""
    return await connection.fetchval("select max(version) from schema_migrations") or 0


def _read() -> Iterator[Migration]:
    for entry in (files("api.store") / "migrations").iterdir():
        if found := re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name):
            yield Migration(int(found[1]), found[2], entry.read_text("utf-8"))
