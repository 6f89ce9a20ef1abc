"""The program's side of it: begun while a pack is being changed, ended with that."""

import asyncio

from api.embedding.messages import (
    FROM_EMBEDDING,
    VERSION,
    Alive,
    Begin,
    FromEmbedding,
    Hello,
    ToEmbedding,
)
from api.processes.child import Child, End, Kind

_SILENCE = 120.0
"""Seconds without a word after which it is stuck: it waits for a core behind everybody else."""
_KIND: Kind[FromEmbedding] = Kind("api.embedding", Hello(VERSION), FROM_EMBEDDING, silence=_SILENCE)


class EmbeddingProcess:
    """Runs while there is something to embed.

    Args:
        group: in which it is kept alive.
        level: the least that it logs.
    """

    def __init__(self, group: asyncio.TaskGroup, level: str) -> None:
        self._group = group
        self._level = level
        self._keeping: asyncio.Task[None] | None = None
        self._begin: Begin | None = None
        self._child: Child[ToEmbedding, FromEmbedding] | None = None
        self.trouble = ""
        """What keeps it from its work; empty if nothing does."""

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._child.pid if self._child else None

    async def start(self, begin: Begin) -> None:
        """Embed by this pack; the same again changes nothing."""
        if self._begin == begin:
            return
        await self.stop()
        self._begin, self.trouble = begin, ""
        self._child = Child(_KIND, "embedding", self._level)
        self._keeping = self._group.create_task(self._child.keep(self), name="embedding")

    async def stop(self) -> None:
        """End it, and wait for that."""
        keeping, self._keeping, self._begin = self._keeping, None, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait([keeping])

    # What becomes of its process

    def begins(self) -> ToEmbedding:
        """One is begun; says what it is told first."""
        if self._begin is None:  # pragma: no cover - it is kept only while there is one
            raise RuntimeError("nothing is to be embedded")
        return self._begin

    def hear(self, message: FromEmbedding) -> None:
        """It said something."""
        if isinstance(message, Alive):
            self.trouble = message.trouble

    def ended(self, end: End) -> None:
        """It is gone, and about to be replaced."""
        self.trouble = f"the process that embeds {end.reason}; it is begun again"
