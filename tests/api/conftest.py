"""A migrated database of a test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.store.address import Address
from api.store.changes import gallery_named
from api.store.database import Database
from api.store.migrate import advance, migrate, shipped_migrations
from api.store.sealing import Keyring
from pipeline.messages import GalleryId


@pytest.fixture
async def truth(database: Address) -> AsyncIterator[Database]:
    opened = await Database.open(database)
    await migrate(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def gallery(truth: Database) -> GalleryId:
    return await gallery_named(truth, "default")


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring.open(tmp_path)


@pytest.fixture
async def database_at_version_3(database: Address) -> AsyncIterator[Database]:
    """A database as it was before a face could have several templates."""
    opened = await Database.open(database)
    async with opened.transaction() as connection:
        await advance(connection, shipped_migrations()[:3])
    yield opened
    await opened.close()
