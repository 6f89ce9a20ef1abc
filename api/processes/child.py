"""The program's side of a process of ours: begun, greeted, heard, ended, begun again."""

import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import msgspec

from api.processes.link import ENDED, Link, LinkBroken, Outbox, Received, Sent
from ingest.supervisor import Backoff
from pipeline.errors import first_of

_START = 60.0
"""Seconds that it may take to say its first word: Python starts, modules are loaded."""
_SILENCE = 3.0
"""Seconds without a word after which it counts as stuck."""
_FAREWELL = 5.0
"""Seconds that it has to let everything go when the program stops."""
_WELL = 30.0
"""Seconds that it must have lived to be begun again at once; else each time a little later."""
_PAUSES = Backoff(first=0.1, most=30.0)
_NATIVE = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
"""What ends a process whose native code breaks."""
_SIGNALS = {number.value: number.name for number in signal.Signals}
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Networks have lanes; numpy's own threads would fight with them for the cores."""


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended: in words, whether native code broke, and what it wrote about that."""

    reason: str
    native: bool = False
    crash: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[Received]):
    """What is run: ``python -m module``, what it must say first, and how it is understood.

    After ``silence`` seconds without a word it counts as stuck.
    """

    module: str
    greeting: Received
    decoder: msgspec.msgpack.Decoder[list[Received]]
    silence: float = _SILENCE


_S_co = TypeVar("_S_co", covariant=True)
_R_contra = TypeVar("_R_contra", contravariant=True)


class Owner(Protocol[_S_co, _R_contra]):
    """Whose process it is."""

    def begins(self) -> _S_co:
        """One is begun; says what it is told first."""

    def hear(self, message: _R_contra) -> None:
        """It said something."""

    def ended(self, end: End) -> None:
        """It is gone, and about to be replaced."""


class Child(Generic[Sent, Received]):
    """A process that is kept alive, over all that ran in its place.

    Args:
        name: what it is called in the log.
        level: the least that it logs.
    """

    def __init__(self, kind: Kind[Received], name: str, level: str) -> None:
        self.pid: int | None = None
        self._kind = kind
        self._name = name
        self._level = level
        self._outbox = Outbox[Sent]()

    async def keep(self, owner: Owner[Sent, Received]) -> None:
        """Begin it, again and again, for ever."""
        pauses = _PAUSES.delays()
        while True:
            began = time.monotonic()
            try:
                end = await self._live(owner)
            except OSError as error:  # no memory, no files, no processes left: later perhaps
                end = End(f"could not be begun: {error}")
            owner.ended(end)
            if time.monotonic() - began > _WELL:
                pauses = _PAUSES.delays()
            await asyncio.sleep(next(pauses))

    def send(self, message: Sent) -> None:
        """Leave a message for the one that runs now; lost with it."""
        self._outbox.put(message)

    async def send_large(self, message: Sent, size: int) -> None:
        """Leave one of so many bytes when there is room for it."""
        await self._outbox.put_large(message, size)

    async def _live(self, owner: Owner[Sent, Received]) -> End:
        """One process, from its start to its end."""
        crash = os.memfd_create(self._name)
        try:
            process, link = await self._start(crash)
            self.pid = process.pid
            try:
                reason = await self._converse(link, owner)
                _kill(process)
            finally:
                link.close()
                await _end(process)
                self.pid = None
            return end_of(process.returncode or 0, reason, crash)
        finally:
            os.close(crash)

    async def _start(self, crash: int) -> tuple[Process, Link[Sent, Received]]:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        with theirs, ExitStack() as undo:
            undo.callback(writer.close)
            numbers = (theirs.fileno(), crash)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # whatever lies in the folder one happens to be in is not ours
                "-m",
                self._kind.module,
                *map(str, (*numbers, os.getpid(), self._level, self._name)),
                stdin=DEVNULL,
                pass_fds=numbers,
                start_new_session=True,  # Ctrl-C is the program's
                env={**os.environ, **_ENVIRONMENT},
            )
            undo.pop_all()
        return process, Link(reader, writer, self._kind.decoder)

    async def _converse(self, link: Link[Sent, Received], owner: Owner[Sent, Received]) -> str:
        """Tell and hear until that is not possible any more; says why."""
        self._outbox = Outbox[Sent]()
        self._outbox.put(owner.begins())
        try:
            async with asyncio.TaskGroup() as group:
                await self._greet(link)
                group.create_task(tell(link, self._outbox))
                while True:
                    for message in await _heard(link, self._kind.silence):
                        owner.hear(message)
        except BaseExceptionGroup as errors:
            error = first_of(errors)
            if not isinstance(error, LinkBroken):
                raise error from None
            return str(error)

    async def _greet(self, link: Link[Sent, Received]) -> None:
        if await _heard(link, _START) != [self._kind.greeting]:
            raise LinkBroken(f"it does not begin with {self._kind.greeting}")


async def tell(link: Link[Sent, Received], outbox: Outbox[Sent]) -> None:
    """Send whatever is left in ``outbox``, for ever.

    Raises:
        LinkBroken: the other side has gone.
    """
    async for batch in outbox.batches():
        await link.send(batch)


async def _heard(link: Link[Sent, Received], seconds: float) -> list[Received]:
    try:
        async with asyncio.timeout(seconds):
            return list(await link.receive())
    except TimeoutError:
        raise LinkBroken(f"it said nothing for {seconds:g} s") from None


def _kill(process: Process) -> None:
    """Not by ``process.kill``: that may take the exit status away from whoever waits for it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


async def _end(process: Process) -> None:
    """Wait until it has let everything go, but not for long."""
    try:
        await asyncio.wait_for(process.wait(), _FAREWELL)
    except TimeoutError:
        _kill(process)
        await process.wait()


def end_of(status: int, reason: str, crash: int) -> End:
    """How a process ended that had this exit status and this file for its crash."""
    os.lseek(crash, 0, os.SEEK_SET)
    with os.fdopen(os.dup(crash), encoding="ascii", errors="replace") as file:
        written = file.read()
    why = "" if reason == ENDED else f" ({reason})"
    if status < 0:
        name = _SIGNALS.get(-status, f"signal {-status}")
        return End(f"ended by {name}{why}", -status in _NATIVE, written)
    return End(f"ended with status {status}{why}")
