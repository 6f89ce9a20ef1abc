"""Many who search at once are one search; each gets the own answer."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from api.gallery.batched import BatchedGallery
from pipeline.errors import Transient
from pipeline.messages import Match, PersonId, Vectors


class Slow:
    """Answers each vector with its first number, when it is let."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.on = asyncio.Event()
        self.away = False

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        self.sizes.append(len(vectors))
        await self.on.wait()
        if self.away:
            raise Transient("nobody is there")
        return [[Match(PersonId(f"{vector[0]:g}"), 1.0)] for vector in vectors]


def probes(*numbers: int) -> Vectors:
    return np.array([[number, 0] for number in numbers], np.float32)


async def test_who_comes_while_one_search_is_under_way_shares_the_next() -> None:
    slow = Slow()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        gallery = BatchedGallery(group, slow)
        asked = [asyncio.create_task(gallery.search(probes(n, n + 100))) for n in range(5)]
        await asyncio.sleep(0.01)
        slow.on.set()
        answers = await asyncio.gather(*asked)
    assert slow.sizes in ([2, 8], [10])
    assert [[row[0].person for row in answer] for answer in answers] == [
        [f"{n}", f"{n + 100}"] for n in range(5)
    ]


async def test_a_batch_has_a_largest_size() -> None:
    slow = Slow()
    slow.on.set()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        gallery = BatchedGallery(group, slow)
        await asyncio.gather(*(gallery.search(probes(*range(40))) for _ in range(4)))
    assert max(slow.sizes) <= 64
    assert sum(slow.sizes) == 160


async def test_everyone_is_told_that_it_is_away_and_who_left_disturbs_nobody() -> None:
    slow = Slow()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        gallery = BatchedGallery(group, slow)
        asked = [asyncio.create_task(gallery.search(probes(n))) for n in range(3)]
        await asyncio.sleep(0.01)
        asked[1].cancel()
        slow.away = True
        slow.on.set()
        for one in (asked[0], asked[2]):
            with pytest.raises(Transient, match="nobody is there"):
                await one
        slow.away = False
        assert (await gallery.search(probes(7)))[0][0].person == "7"
