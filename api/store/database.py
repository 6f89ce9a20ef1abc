"""Connections to PostgreSQL, and what its absence is called."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self

import asyncpg

from api.store.address import Address
from pipeline.errors import Misconfigured, Transient

Connection = asyncpg.pool.PoolConnectionProxy
"""A connection lent by the pool."""

_CONNECTIONS = 10
_PATIENCE = 5.0
"""Seconds for a connection, and for a statement."""
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)


class Database:
    """A pool of connections to one database; open it with ``open``, and close it."""

    def __init__(self, address: Address, pool: asyncpg.Pool) -> None:
        self.address = address
        self._pool = pool

    @classmethod
    async def open(cls, address: Address, *, at_once: bool = True) -> Self:
        """Connect, now or when it is asked for the first time.

        Raises:
            Transient: the server is away, or not ready yet.
            Misconfigured: it does not know this user, password or database.
        """
        with _sorted(address):
            pool = await asyncpg.create_pool(
                host=address.host,
                port=address.port,
                user=address.user,
                database=address.database,
                password=address.password,
                min_size=int(at_once),
                max_size=_CONNECTIONS,
                timeout=_PATIENCE,
                command_timeout=_PATIENCE,
            )
        return cls(address, pool)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for a few statements.

        Raises:
            Transient: the server is away.
        """
        with _sorted(self.address):
            async with self._pool.acquire(timeout=_PATIENCE) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction, which is committed when it is left without an error.

        Raises:
            Transient: the server is away; nothing is changed, unless it broke down in the commit.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def listen(self, channel: str, on_notify: Callable[[], None]) -> None:
        """Call ``on_notify`` whenever somebody notifies ``channel``, until the connection is lost.

        Raises:
            Transient: the server is away.
        """
        lost = asyncio.Event()

        def heard(*_: object) -> None:
            on_notify()

        def ended(_: object) -> None:
            lost.set()

        async with self.connection() as connection:
            connection.add_termination_listener(ended)
            await connection.add_listener(channel, heard)
            try:
                await lost.wait()
            finally:
                connection.remove_termination_listener(ended)
                if not connection.is_closed():
                    await connection.remove_listener(channel, heard)

    async def close(self) -> None:
        """Let all connections go, soon."""
        try:
            await asyncio.wait_for(self._pool.close(), _PATIENCE)
        except TimeoutError:
            self._pool.terminate()


@contextmanager
def _sorted(address: Address) -> Iterator[None]:
    """What asyncpg raises, by what there is to do; errors of a statement stay what they are."""
    try:
        yield
    except _REFUSED as error:
        raise Misconfigured(f"{address}, user {address.user}: {error}") from None
    except _AWAY as error:
        raise Transient(f"{address} is away ({str(error) or type(error).__name__})") from error
