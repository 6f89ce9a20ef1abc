"""The program's side of one shard: begun, greeted, heard, ended, begun again."""

import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

from api.live.engine import ShardState
from api.live.seen import Seen
from api.shards.crash import culprit
from api.shards.fence import Fence
from api.shards.link import ENDED, Link, LinkBroken, Outbox
from api.shards.messages import (
    FROM_SHARD,
    VERSION,
    Begin,
    FromShard,
    Hello,
    Reach,
    Reached,
    Ready,
    ToShard,
    Vitals,
)
from ingest.supervisor import Backoff
from pipeline.errors import first_of
from pipeline.messages import CameraId, PersonId

_START = 60.0
"""Seconds that a shard may take to say its first word: Python starts, modules are loaded."""
_SILENCE = 3.0
"""Seconds without a word after which it counts as stuck."""
_FAREWELL = 5.0
"""Seconds that it has to let its cameras go when the program stops."""
_WELL = 30.0
"""Seconds that it must have lived to be begun again at once; else each time a little later."""
_PAUSES = Backoff(first=0.1, most=30.0)
_NATIVE = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}
"""What ends a process whose native code breaks."""
_SIGNALS = {number.value: number.name for number in signal.Signals}
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Networks have lanes; numpy's own threads would fight with them for the cores."""


@dataclass(frozen=True, slots=True)
class Death:
    """How a shard ended: in words, whether native code broke, and on which camera's thread."""

    reason: str
    native: bool
    culprit: CameraId | None


class Listener(Protocol):
    """Who hears of a shard."""

    def began(self, shard: "ShardProcess") -> None:
        """It takes messages; it knows of no camera yet."""

    def heard(self, shard: "ShardProcess", message: FromShard) -> None:
        """It said something."""

    def died(self, shard: "ShardProcess", death: Death) -> None:
        """It is gone, and about to be replaced."""


class ShardProcess:
    """One shard, over all the processes that run it.

    Args:
        begin: what each of them is told first.
        level: the least that it logs.
    """

    def __init__(self, begin: Begin, level: str, listener: Listener) -> None:
        self.id = begin.shard
        self.fence = Fence()
        self.state = ShardState.STARTING
        self.since = time.time()
        self.trouble = ""
        self.restarts = 0
        self.pid: int | None = None
        self.vitals: Vitals | None = None
        self.frames_per_second = 0.0
        self._frames, self._counted_at = 0, time.monotonic()
        self._begin = begin
        self._level = level
        self._listener = listener
        self._outbox = Outbox[ToShard]()

    async def run(self) -> None:
        """Keep it alive, for ever."""
        pauses = _PAUSES.delays()
        while True:
            began = time.monotonic()
            try:
                death = await self._live()
            except OSError as error:  # no memory, no files, no processes left: later perhaps
                death = Death(f"could not be begun: {error}", native=False, culprit=None)
            self.restarts += 1
            self._become(ShardState.ENDED, death.reason)
            self._listener.died(self, death)
            if time.monotonic() - began > _WELL:
                pauses = _PAUSES.delays()
            await asyncio.sleep(next(pauses))
            self._become(ShardState.STARTING, death.reason)

    def send(self, message: ToShard) -> None:
        """Tell it something; one that does not run is told nothing."""
        if self.state is ShardState.RUNNING:
            self._outbox.put(message)

    async def gone(self, people: Collection[PersonId], number: int) -> None:
        """Return when it names these people no more by what was deleted up to a change.

        Until then its fence hides them. One that does not run names nobody.
        """
        self.fence.put_up(people, number)
        if self.state is ShardState.RUNNING:
            self.send(Reach(number))
            await self.fence.passed(number)

    async def _live(self) -> Death:
        """One process, from its start to its end."""
        crash = os.memfd_create(f"shard {self.id}")
        try:
            process, link = await self._start(crash)
            self.pid = process.pid
            try:
                reason = await self._converse(link)
                _kill(process)
            finally:
                link.close()
                await _end(process)
                self.pid, self.vitals, self.frames_per_second = None, None, 0.0
            return _death(process.returncode or 0, reason, crash)
        finally:
            os.close(crash)

    async def _start(self, crash: int) -> tuple[Process, Link[ToShard, FromShard]]:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        with theirs, ExitStack() as undo:
            undo.callback(writer.close)
            numbers = (theirs.fileno(), crash)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # whatever lies in the folder one happens to be in is not ours
                "-m",
                "api.shards",
                *map(str, (*numbers, os.getpid(), self._level, self.id)),
                stdin=DEVNULL,
                pass_fds=numbers,
                start_new_session=True,  # Ctrl-C is the program's
                env={**os.environ, **_ENVIRONMENT},
            )
            undo.pop_all()
        return process, Link(reader, writer, FROM_SHARD)

    async def _converse(self, link: Link[ToShard, FromShard]) -> str:
        """Tell and hear until that is not possible any more; says why."""
        self._outbox = Outbox[ToShard]()
        self._outbox.put(self._begin)
        try:
            async with asyncio.TaskGroup() as group:
                await self._greet(link)
                group.create_task(self._tell(link))
                while True:
                    for message in await _heard(link, _SILENCE):
                        self._hear(message)
        except BaseExceptionGroup as errors:
            error = first_of(errors)
            if not isinstance(error, LinkBroken):
                raise error from None
            return str(error)

    async def _greet(self, link: Link[ToShard, FromShard]) -> None:
        if await _heard(link, _START) != [Hello(VERSION)]:
            raise LinkBroken(f"it does not speak version {VERSION} of what travels")

    async def _tell(self, link: Link[ToShard, FromShard]) -> None:
        async for batch in self._outbox.batches():
            await link.send(batch)

    def _hear(self, message: FromShard) -> None:
        match message:
            case Ready():
                self._become(ShardState.RUNNING)
                if self.fence.highest:
                    self.send(Reach(self.fence.highest))
                self._listener.began(self)
            case Reached(number):
                self.fence.lift(number)
            case Vitals():
                self.vitals = message
                self._count_frames()
                self._listener.heard(self, message)
            case _:
                self._frames += isinstance(message, Seen)
                self._listener.heard(self, message)

    def _count_frames(self) -> None:
        """Of the last few seconds; the newest half second counts for a fifth."""
        now = time.monotonic()
        rate = self._frames / (now - self._counted_at)
        self.frames_per_second += 0.2 * (rate - self.frames_per_second)
        self._frames, self._counted_at = 0, now

    def _become(self, state: ShardState, trouble: str = "") -> None:
        self.state, self.since, self.trouble = state, time.time(), trouble


async def _heard(link: Link[ToShard, FromShard], seconds: float) -> list[FromShard]:
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


def _death(status: int, reason: str, crash: int) -> Death:
    os.lseek(crash, 0, os.SEEK_SET)
    with os.fdopen(os.dup(crash), encoding="ascii", errors="replace") as file:
        culprit_ = culprit(file.read())
    why = "" if reason == ENDED else f" ({reason})"
    if status < 0:
        name = _SIGNALS.get(-status, f"signal {-status}")
        return Death(f"ended by {name}{why}", -status in _NATIVE, culprit_)
    return Death(f"ended with status {status}{why}", native=False, culprit=None)
