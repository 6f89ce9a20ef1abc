"""Tables come forward, once, whoever is first."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from api.store.address import Address
from api.store.database import Database
from api.store.migrate import migrate, shipped_migrations
from pipeline.errors import Misconfigured, Transient


@pytest.fixture
async def empty(database: Address) -> AsyncIterator[Database]:
    opened = await Database.open(database)
    yield opened
    await opened.close()


async def versions(database: Database) -> list[int]:
    async with database.connection() as connection:
        rows = await connection.fetch("select version from schema_migrations order by version")
    return [row["version"] for row in rows]


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [step.version for step in shipped_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_an_empty_database_is_brought_to_the_newest_version(empty: Database) -> None:
    newest = shipped_migrations()[-1].version
    assert await migrate(empty) == newest
    assert await versions(empty) == list(range(1, newest + 1))


async def test_a_second_start_changes_nothing(empty: Database) -> None:
    await migrate(empty)
    before = await versions(empty)
    await migrate(empty)
    assert await versions(empty) == before


async def test_programs_that_start_together_migrate_once(empty: Database) -> None:
    reached = await asyncio.gather(*(migrate(empty) for _ in range(5)))
    assert set(reached) == {shipped_migrations()[-1].version}
    assert await versions(empty) == [step.version for step in shipped_migrations()]


async def test_a_database_of_a_newer_program_is_left_alone(empty: Database) -> None:
    await migrate(empty)
    async with empty.connection() as connection:
        await connection.execute("insert into schema_migrations values (999, 'later')")
    with pytest.raises(Misconfigured, match="999"):
        await migrate(empty)


async def test_a_server_that_is_not_there_is_transient() -> None:
    nowhere = Address("127.0.0.1", 9, "faceuser", "faceapi", "hidden-word")
    with pytest.raises(Transient) as error:
        await Database.open(nowhere)
    assert "127.0.0.1:9" in str(error.value)
    assert "hidden-word" not in f"{error.value} {nowhere} {nowhere!r}"


async def test_a_database_that_does_not_exist_is_misconfigured(database: Address) -> None:
    other = Address(database.host, database.port, database.user, "no_such", database.password)
    with pytest.raises(Misconfigured, match="no_such"):
        await Database.open(other)
