"""The program's side of one shard: its process, what it says of itself, whom it may name."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import msgspec

from api.live.engine import ShardState
from api.live.seen import Seen
from api.processes.child import Child, End, Kind
from api.shards.crash import culprit
from api.shards.fence import Fence
from api.shards.messages import (
    FROM_SHARD,
    VERSION,
    Adopt,
    Begin,
    FromShard,
    Hello,
    Reach,
    Reached,
    Ready,
    ToShard,
    Vitals,
)
from pipeline.messages import CameraId, PersonId

_KIND: Kind[FromShard] = Kind("api.shards", Hello(VERSION), FROM_SHARD)


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
        self.vitals: Vitals | None = None
        self.frames_per_second = 0.0
        self._frames, self._counted_at = 0, time.monotonic()
        self._begin = self._told = begin
        self._adopted = asyncio.Event()
        self._listener = listener
        self._child: Child[ToShard, FromShard] = Child(_KIND, f"shard {begin.shard}", level)

    async def run(self) -> None:
        """Keep it alive, for ever."""
        try:
            await self._child.keep(self)
        finally:
            self._adopted.set()  # it has no part in that any more

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._child.pid

    def send(self, message: ToShard) -> None:
        """Tell it something; one that does not run is told nothing."""
        if self.state is ShardState.RUNNING:
            self._child.send(message)

    async def adopt(self, begin: Begin) -> None:
        """Let it name people by another pack; returns when it does, or when it begins anew with it.

        Its cameras stay connected.
        """
        self._adopted.clear()
        self._begin = msgspec.structs.replace(begin, shard=self.id)
        self._bring_up_to_date()
        if self.state is ShardState.ENDED:
            return
        await self._adopted.wait()

    def _bring_up_to_date(self) -> None:
        """Tell it the pack that it was not begun with."""
        if self.state is ShardState.RUNNING and self._told != self._begin:
            self._told = self._begin
            self.send(Adopt(self._begin.settings))

    async def gone(self, people: Collection[PersonId], number: int) -> None:
        """Return when it names these people no more by what was deleted up to a change.

        Until then its fence hides them. One that does not run names nobody.
        """
        self.fence.put_up(people, number)
        if self.state is ShardState.RUNNING:
            self.send(Reach(number))
            await self.fence.passed(number)

    # What becomes of its process

    def begins(self) -> ToShard:
        """One is begun; says what it is told first."""
        self._become(ShardState.STARTING, self.trouble)
        self._told = self._begin
        return self._begin

    def ended(self, end: End) -> None:
        """It is gone, and about to be replaced."""
        self.vitals, self.frames_per_second = None, 0.0
        self.restarts += 1
        self._become(ShardState.ENDED, end.reason)
        self._adopted.set()
        self._listener.died(self, Death(end.reason, end.native, culprit(end.crash)))

    def hear(self, message: FromShard) -> None:
        """It said something."""
        match message:
            case Ready():
                self._become(ShardState.RUNNING)
                if self.fence.highest:
                    self.send(Reach(self.fence.highest))
                self._bring_up_to_date()
                self._listener.began(self)
            case Reached(number):
                self.fence.lift(number)
            case Vitals():
                self.vitals = message
                if message.pack == self._begin.pack:
                    self._adopted.set()
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
