"""A client of Milvus, in a file or on a server: how it is opened, and what its errors mean."""

import contextlib
import fcntl
import logging
import os
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
_AWAY = frozenset({grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE})
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
        Misconfigured: it knows no such user and password; another process uses the file, or
            there can be none of that name.
        Broken: the file is damaged.
    """
    if isinstance(store, LiteStore):
        _check_place(store)
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
    # While it connects, the client hides the server's own answer behind one for all cases.
    cause = error.__cause__ if isinstance(error.__cause__, grpc.RpcError) else error
    if isinstance(cause, grpc.RpcError):
        code, text = cause.code(), str(cause.details())
    else:
        code, text = cause.code, str(cause.message)
    if code in _AWAY:
        return Transient(f"{store} does not answer: {text}")
    if isinstance(store, LiteStore) and opening:
        let_go(store)
        if _is_held(store.path / "LOCK"):
            return Misconfigured(f"{store} is used by another process; it is for one at a time")
        return Broken(f"{store} cannot be opened: {text}")
    if code in _REFUSED or "auth check failure" in text:
        return Misconfigured(f"{store} refuses user and password (MILVUS_DB_USER): {text}")
    return Transient(f"{store} cannot do it now: {text}")


def _check_place(store: LiteStore) -> None:
    """Setting a file aside helps against none of this."""
    path, folder = store.path, store.path.parent
    if path.suffix != ".db":
        raise Misconfigured(f"{store}: its name must end in .db")
    if not folder.is_dir():
        raise Misconfigured(f"{store}: {folder} is no folder")
    for place in (folder, path) if path.is_dir() else (folder,):
        if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            raise Misconfigured(f"{store}: this user may not read and write {place}")


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
