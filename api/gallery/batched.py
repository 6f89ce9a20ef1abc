"""One search for all who wait: a round trip to Milvus costs the same for one face and for many."""

import asyncio
from collections.abc import Sequence

import numpy as np

from pipeline.messages import Match, Vectors
from pipeline.stages import Gallery

_Answer = asyncio.Future[Sequence[Sequence[Match]]]

_MOST = 64
"""Vectors of one search."""


class BatchedGallery:
    """Joins searches that are asked while another one is under way.

    Args:
        group: in which the searching runs.
        gallery: that is searched.
    """

    def __init__(self, group: asyncio.TaskGroup, gallery: Gallery) -> None:
        self._group = group
        self._gallery = gallery
        self._waiting: list[tuple[Vectors, _Answer]] = []
        self._busy = False

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector its nearest people, nearest first.

        Raises:
            Transient: the gallery is out of reach.
        """
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._waiting.append((vectors, answer))
        if not self._busy:
            self._busy = True
            self._group.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        """Search until nobody waits."""
        try:
            while self._waiting:
                await self._search(self._next())
        finally:
            self._busy = False

    def _next(self) -> list[tuple[Vectors, _Answer]]:
        """Whoever waits longest and, as far as there is room, the others."""
        batch, room = [self._waiting.pop(0)], _MOST
        room -= len(batch[0][0])
        while self._waiting and len(self._waiting[0][0]) <= room:
            room -= len(self._waiting[0][0])
            batch.append(self._waiting.pop(0))
        return [one for one in batch if not one[1].done()]

    async def _search(self, batch: list[tuple[Vectors, _Answer]]) -> None:
        if not batch:
            return
        try:
            found = await self._gallery.search(np.concatenate([vectors for vectors, _ in batch]))
        except Exception as error:  # noqa: BLE001 - each who waits is told, whatever it is
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        at = 0
        for vectors, answer in batch:
            if not answer.done():
                answer.set_result(found[at : at + len(vectors)])
            at += len(vectors)
