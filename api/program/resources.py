"""What the program stands on: its folder, its keys, its database. Up in order, down in reverse."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from api.embedded import EmbeddedPostgres
from api.settings.sections import JwtSettings, SqlSettings
from api.settings.settings import Settings
from api.store.address import Address
from api.store.data_folder import InUse, locked_folder, write_secret
from api.store.database import Database
from api.store.migrate import migrate
from api.store.sealing import Keyring
from pipeline.errors import Misconfigured, Transient

_PATIENCE = 60.0
"""Seconds that a database may take to be there when the program starts."""
_POSTGRES = "postgres"
"""Our own PostgreSQL's folder in the data folder."""
_BYTES = 32
"""Of a key for signing: as long as HS256's hash (RFC 7518, 3.2)."""


@dataclass(frozen=True, slots=True, eq=False)
class Resources:
    """Open as long as the context of ``open_resources`` lasts; ``postgres`` if it is our own."""

    folder: Path
    keys: Keyring
    database: Database
    postgres: EmbeddedPostgres | None


def check_place(settings: Settings) -> None:
    """Refuse a data folder that our own PostgreSQL could not use, before anything is begun.

    Raises:
        Misconfigured: says why.
    """
    if not settings.sql.host:
        EmbeddedPostgres(settings.faceapi.data_dir.expanduser() / _POSTGRES)


@contextlib.asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Hold the data folder, start PostgreSQL if none was named, and bring its tables up to date.

    Raises:
        InUse: another program holds the folder.
        Misconfigured: the folder or the database cannot be used.
        Transient: the database was not there within a minute.
    """
    async with open_unmigrated(settings) as resources:
        await migrate(resources.database)
        yield resources


@contextlib.asynccontextmanager
async def open_unmigrated(settings: Settings) -> AsyncIterator[Resources]:
    """The same, with the tables as they are.

    Raises:
        InUse, Misconfigured, Transient: as of ``open_resources``.
    """
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(locked_folder(settings.faceapi.data_dir))
        keys = Keyring.open(folder)
        postgres = None if settings.sql.host else EmbeddedPostgres(folder / _POSTGRES)
        if postgres is not None:
            await stack.enter_async_context(postgres)
        database = await _connected(postgres.address if postgres else _named(settings.sql))
        stack.push_async_callback(database.close)
        yield Resources(folder, keys, database, postgres)


@contextlib.asynccontextmanager
async def open_alongside(settings: Settings) -> AsyncIterator[Resources]:
    """The same, whether or not the program runs: if it does, its database is used beside it.

    Raises:
        Misconfigured, Transient: as of ``open_resources``.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            resources = await stack.enter_async_context(open_unmigrated(settings))
        except InUse:
            resources = await stack.enter_async_context(_beside(settings))
        yield resources


@contextlib.asynccontextmanager
async def _beside(settings: Settings) -> AsyncIterator[Resources]:
    folder = settings.faceapi.data_dir.expanduser().absolute()
    named = _named(settings.sql) if settings.sql.host else None
    database = await _connected(named or EmbeddedPostgres(folder / _POSTGRES).address)
    try:
        yield Resources(folder, Keyring.open(folder), database, None)
    finally:
        await database.close()


def signing_key(settings: JwtSettings, folder: Path) -> str:
    """The key that signs tokens: the one that is set, or one of our own, kept in ``folder``.

    Raises:
        Misconfigured: the file cannot be read.
    """
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    file = folder / "jwt.key"
    try:
        if not file.exists():
            write_secret(file, secrets.token_hex(_BYTES).encode())
        return file.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"{file} cannot be used: {error}; delete it to have a new one"
        ) from None


def _named(settings: SqlSettings) -> Address:
    return Address(
        host=settings.host or "",
        port=settings.port,
        user=settings.username,
        database=settings.database,
        password=settings.password.get_secret_value() if settings.password else None,
    )


async def _connected(address: Address) -> Database:
    """Wait for a server that starts together with this program."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + _PATIENCE
    while True:
        try:
            return await Database.open(address)
        except Transient:
            if loop.time() > ends:
                raise
        await asyncio.sleep(0.5)
