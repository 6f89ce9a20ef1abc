"""A client of Milvus, in a file or on a server: how it is opened, and what its errors mean."""

import contextlib
import fcntl
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from milvus_lite.server_manager import server_manager_instance
from pymilvus import MilvusClient, MilvusException

from pipeline.errors import FaceapiError, Misconfigured, Transient

CONNECT, SEARCH, CHANGE = 5.0, 2.0, 10.0
"""Seconds that a server may take: to be connected, for a search, for anything else."""
_REFUSED = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_ERRORS = (MilvusException, grpc.RpcError)


class Broken(Misconfigured):
    """The file does not load: it is to be set aside and made anew."""


@dataclass(frozen=True, slots=True)
class LiteStore:
    """Milvus Lite in a file, used by one process."""

    path: Path

    def __str__(self) -> str:
        return f"Milvus Lite in {self.path}"


@dataclass(frozen=True, slots=True)
class ServerStore:
    """A Milvus server; the database is made if it is not there."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"Milvus at {self.host}:{self.port}"


Store = LiteStore | ServerStore


def connected(store: Store) -> MilvusClient:
    """A client; blocks.

    Raises:
        Transient: the server is out of reach.
        Misconfigured: it knows no such user and password; another process uses the file.
        Broken: the file is damaged.
    """
    # Every error is raised as well; printed, too, it would stand on the terminal twice.
    for name in ("pymilvus", "milvus_lite", "grpc._server"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with explained(store, opening=True):
        if isinstance(store, LiteStore):
            return MilvusClient(uri=str(store.path))
        return _server(store)


def let_go(store: Store) -> None:
    """End the server of a file that runs in this process, so that the file can be moved."""
    if isinstance(store, LiteStore):
        server_manager_instance.release_server(str(store.path))


@contextlib.contextmanager
def explained(store: Store, *, opening: bool = False) -> Iterator[None]:
    """Errors of a client, by what there is to do."""
    try:
        yield
    except _ERRORS as error:
        raise _meaning(store, error, opening=opening) from None


def _meaning(
    store: Store, error: MilvusException | grpc.RpcError, *, opening: bool
) -> FaceapiError:
    code = error.code() if isinstance(error, grpc.RpcError) else error.code
    text = str(error.details() if isinstance(error, grpc.RpcError) else error.message)
    if isinstance(store, LiteStore) and opening:
        let_go(store)
        if _is_held(store.path / "LOCK"):
            return Misconfigured(f"{store} is used by another process; it is for one at a time")
        return Broken(f"{store} cannot be opened: {text}")
    if code in _REFUSED or "auth check failure" in text:
        return Misconfigured(f"{store} refuses user and password (MILVUS_DB_USER): {text}")
    return Transient(f"{store} does not answer: {text}")


def _is_held(lock: Path) -> bool:
    """Whether another process has it open: Lite itself says no more than that it failed."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _server(store: ServerStore) -> MilvusClient:
    client = _client(store, "default")
    if store.database == "default":
        return client
    with contextlib.closing(client):
        if store.database not in client.list_databases(timeout=CONNECT):
            client.create_database(store.database, timeout=CONNECT)
    return _client(store, store.database)


def _client(store: ServerStore, database: str) -> MilvusClient:
    return MilvusClient(
        uri=f"http://{store.host}:{store.port}",
        user=store.user,
        password=store.password or "",
        db_name=database,
        timeout=CONNECT,
    )
