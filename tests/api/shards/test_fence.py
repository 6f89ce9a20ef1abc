"""Whom a shard may not name any more, until it has confirmed."""

import asyncio

from api.shards.fence import Fence
from pipeline.messages import PersonId

ANN, BOB = PersonId("Ann"), PersonId("Bob")


async def test_people_are_hidden_until_their_own_change_is_reached() -> None:
    fence = Fence()
    fence.put_up([ANN], 5)
    fence.put_up([BOB], 7)
    assert (fence.hides(ANN), fence.hides(BOB), fence.highest) == (True, True, 7)
    fence.lift(5)
    assert (fence.hides(ANN), fence.hides(BOB), fence.highest) == (False, True, 7)
    fence.lift(9)
    assert (fence.hides(BOB), fence.highest) == (False, 0)


async def test_of_two_deletions_of_one_person_the_later_one_counts() -> None:
    fence = Fence()
    fence.put_up([ANN], 7)
    fence.put_up([ANN], 5)
    fence.lift(5)
    assert fence.hides(ANN)


async def test_whoever_waits_goes_on_when_it_is_reached() -> None:
    fence = Fence()
    waiting = [asyncio.create_task(fence.passed(number)) for number in (1, 2)]
    await asyncio.sleep(0)
    fence.lift(1)
    await asyncio.sleep(0)
    assert [one.done() for one in waiting] == [True, False]
    fence.lift(2)
    await asyncio.gather(*waiting)
