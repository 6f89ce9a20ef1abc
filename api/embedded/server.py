"""One PostgreSQL server, started, watched and stopped by this program."""

import asyncio
import dataclasses
import logging
import os
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from api.embedded import cluster, process, programs, sockets
from api.embedded.account import account_for
from api.embedded.options import server_command
from api.store.address import Address
from pipeline.errors import FaceapiError, Misconfigured, Transient

_log = logging.getLogger(__name__)

_READY = 120.0
"""Seconds to be ready: after a crash it first reads up to max_wal_size."""
_RESTARTS, _WITHIN = 5, 60.0
"""So many in so many seconds."""
_FIRST_DELAY = 0.25
"""Seconds before the second restart; the first comes at once, each later one waits twice."""


class EmbeddedPostgres:
    """A server with its data in ``folder``, reached by a Unix socket that only its user may enter.

    The folder must be held by this process alone (``api.store.data_folder``), and the event loop
    be the main thread's: a server ends with the thread that started it.

    Raises:
        Misconfigured: the package is missing, the path is too long, or root has no other user, or
            one that cannot reach the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._log = self._folder / "postgres.log"
        self._socket = sockets.socket_folder(self._folder)
        self._account = account_for(self._data)
        self._programs = programs.programs(self._account, self._folder)
        self._check_reach()
        self._process: asyncio.subprocess.Process | None = None
        self.address = Address(str(self._socket), sockets.PORT, cluster.USER, "postgres")

    async def __aenter__(self) -> Self:
        """Make the cluster if there is none, start the server, wait until it answers.

        Raises:
            Misconfigured: the folder, its owner or its version does not do.
            Transient: it does not start, or one of before does not end.
        """
        try:
            await asyncio.to_thread(self._prepare)
            if not self._data.exists():
                await self._make_cluster()
            cluster.check_version(self._data)
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stop()

    async def supervise(self) -> None:
        """Start the server again whenever it ends, until it is cancelled.

        Raises:
            Transient: it ended too often within a minute.
        """
        loop = asyncio.get_running_loop()
        ended: deque[float] = deque()
        while self._process is not None:
            await self._process.wait()
            how = process.ending(self._process)
            while ended and loop.time() - ended[0] > _WITHIN:
                ended.popleft()
            if len(ended) == _RESTARTS:
                raise Transient(self._complaint(f"ended {_RESTARTS + 1} times within a minute"))
            _log.warning("PostgreSQL ended (%s) and is started again", how)
            await asyncio.sleep(_FIRST_DELAY * 2 ** (len(ended) - 1) if ended else 0)
            ended.append(loop.time())
            await self._start_again()

    async def _start_again(self) -> None:
        """What fails here shows as a process that ended, and is counted."""
        try:
            await self._start()
        except FaceapiError as error:
            _log.warning("%s", error)

    def _check_reach(self) -> None:
        if not self._account.may_reach(self._folder):
            raise Misconfigured(
                f"PostgreSQL refuses to run as root, and as {self._account.name} it cannot reach "
                f"{self._folder}: let others pass through the folders above it (chmod o+x), or "
                "name another one (FACEAPI_DATA_DIR)"
            )

    def _prepare(self) -> None:
        """Folders, programs and an empty log; blocks."""
        alone = self._account.uid == os.geteuid()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700 if alone else 0o711)
            self._log.write_bytes(b"")
            self._log.chmod(0o600)
            programs.install(self._programs)
        except OSError as error:
            raise Misconfigured(f"{self._folder} cannot be written: {error.strerror}") from error

    async def _make_cluster(self) -> None:
        """All of it or nothing: what is begun has another name."""
        begun = await asyncio.to_thread(cluster.begin, self._data, self._account)
        command = cluster.initdb(self._programs, begun)
        self._process = await process.start(command, self._account, self._log)
        if await self._process.wait() != 0:
            raise Misconfigured(self._complaint("could not make its database"))
        begun.rename(self._data)

    async def _start(self) -> None:
        await cluster.clear_leftovers(self._data)
        await asyncio.to_thread(sockets.make_anew, self._socket, self._account)
        command = server_command(self._programs, self._data, self._socket)
        self._process = await process.start(command, self._account, self._log)
        try:
            async with asyncio.timeout(_READY):
                while not await self._answers():
                    if self._process.returncode is not None:
                        raise Transient(self._complaint("does not start"))
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self._stop()
            raise Transient(self._complaint(f"was not ready after {_READY:.0f} s")) from None

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(**dataclasses.asdict(self.address))
        except (OSError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    async def _stop(self) -> None:
        if self._process is not None:
            await process.stop(self._process)
        await asyncio.to_thread(sockets.remove, self._socket)

    def _complaint(self, what: str) -> str:
        return f"PostgreSQL in {self._folder} {what}:\n{process.last_lines(self._log)}"
