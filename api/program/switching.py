"""The pack in use, and the change to another one: taken to its end, however often it breaks off.

How far a change is stands in the database alone. Each look there leads one step on: after a start
in the middle of it, and in another program on the same database, too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.embedding.messages import Begin
from api.embedding.process import EmbeddingProcess
from api.gallery.notifier import ChangeNotifier
from api.gallery.recognition import CurrentRecognition, Recognition
from api.gallery.reembedding import Reembedder
from api.store.packs import Packs, Reembedding, Stage, UsedPack
from pipeline.build import Pipeline
from pipeline.errors import Misconfigured, Transient

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A pack opened in this program."""

    used: UsedPack
    recognition: Recognition
    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Means:
    """What a switch is done with.

    Args:
        make: opens a pack, in the lanes of the one before.
        begin: what the process that embeds is told.
        adopt: lets all cameras go over to a pack; returns when they have.
    """

    make: Callable[[UsedPack], Awaitable[Made]]
    begin: Callable[[UsedPack], Begin]
    adopt: Callable[[Made], Awaitable[None]]


class PackSwitch:
    """Keeps this program at the pack of its gallery.

    Args:
        group: in which everything runs.
        current: whose place another pack takes.
        first: the pack that the program begins with.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - it joins them
        self,
        group: asyncio.TaskGroup,
        packs: Packs,
        current: CurrentRecognition,
        first: Made,
        means: Means,
        embedding: EmbeddingProcess,
        reembedder: Reembedder,
        notifier: ChangeNotifier,
    ) -> None:
        self._group = group
        self._packs = packs
        self._current = current
        self._now = first
        self._next: Made | None = None
        self._means = means
        self._embedding = embedding
        self._reembedder = reembedder
        self._notifier = notifier
        self._following: dict[Made, asyncio.Task[None]] = {}
        self._complete = False
        """Whether the index has what was embedded while it was not followed yet."""

    async def run(self) -> None:
        """Follow the gallery's pack, for ever."""
        self._follow(self._now)
        while True:
            heard = self._notifier.count
            try:
                self._reembedder.trouble = await self._look()
            except (Transient, Misconfigured) as error:
                self._reembedder.trouble = str(error)
                _log.info("the pack cannot be changed now: %s", error)
            await self._notifier.after(heard)

    async def close(self) -> None:
        """Let the indexes and networks go."""
        for made in filter(None, (self._now, self._next)):
            await made.recognition.index.close()
            made.pipeline.opened.close()

    async def _look(self) -> str:
        """Take the next step; says what keeps it from that, empty if nothing does."""
        used = await self._packs.used()
        if used is not None and used.id != self._now.used.id:
            await self._go_over(await self._opened(used))
        change = await self._packs.reembedding()
        if change is not None and change.stage is Stage.EMBEDDING:
            return await self._embed(change)
        await self._embedding.stop()
        self._reembedder.progress = ""
        if change is not None and change.stage is Stage.SWITCHING:
            await self._clear_up()
        elif self._next is not None:  # it was given up
            before, self._next = self._next, None
            await self._end(before)
        return ""

    async def _embed(self, change: Reembedding) -> str:
        """Have the photographs embedded; people are named by the new pack when all are."""
        await self._embedding.start(self._means.begin(change.to))
        tally = await self._packs.tally(change.to.id)
        self._reembedder.progress = (
            f"the pack is being changed to {change.to.id}: "
            f"{tally.faces - tally.left} of {tally.faces} faces are done"
        )
        if not tally.left and await self._packs.may_switch():
            ready = await self._opened(change.to)
            await ready.recognition.index.settled.wait()
            if ready.recognition.index.trouble:
                raise Transient(f"the index of {change.to.id}: {ready.recognition.index.trouble}")
            if await self._packs.switch():
                await self._go_over(ready)
        return self._embedding.trouble

    async def _opened(self, used: UsedPack) -> Made:
        """A pack beside the one in use, its index followed."""
        if self._next is None or self._next.used.id != used.id:
            before, self._next = self._next, await self._means.make(used)
            self._follow(self._next)
            if before is not None:
                await self._end(before)
        return self._next

    async def _go_over(self, new: Made) -> None:
        """From here on people are named by another pack: here at once, then camera by camera."""
        before, self._now, self._next = self._now, new, None
        self._complete = False
        self._current.now = new.recognition
        await self._means.adopt(new)
        await self._end(before)
        _log.info("people are named by the pack %s, no more by %s", new.used.id, before.used.id)

    async def _clear_up(self) -> None:
        index = self._now.recognition.index
        if not self._complete:
            await index.complete()
            self._complete = True
        await index.drop_others()
        await self._packs.clear()
        _log.info("what the pack before %s made is deleted", self._now.used.id)

    def _follow(self, made: Made) -> None:
        work = made.recognition.index.follow(self._notifier)
        self._following[made] = self._group.create_task(work, name=f"index {made.used.id}")

    async def _end(self, made: Made) -> None:
        """Let go a pack that is not asked any more: its lanes go on with another one."""
        following = self._following.pop(made)
        following.cancel()
        await asyncio.wait([following])
        await made.recognition.index.close()
        await made.pipeline.lanes.settled()
        await asyncio.to_thread(made.pipeline.opened.close)
