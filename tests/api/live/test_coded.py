"""A camera's video, passed on to everyone who plays it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from api.live.coded import Coded, CodedViewers
from ingest.playable import LARGEST_GROUP
from pipeline.messages import CameraId

GATE = CameraId("gate")


def picture(place: int, *, every: int = 10, size: int = 3) -> Coded:
    return Coded(GATE, place, place % every == 0, False, bytes(size))


class World:
    """Viewers, and what is asked of the shards for them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.dropped: list[int] = []
        self.viewers = CodedViewers(
            lambda camera: self.asked.append(f"play {camera}"),
            lambda camera: self.asked.append(f"halt {camera}"),
            self.dropped.append,
        )

    def give(self, *places: int) -> None:
        for place in places:
            self.viewers.give(picture(place))

    @asynccontextmanager
    async def player(self) -> AsyncIterator[AsyncGenerator[Coded, None]]:
        """Somebody who waits for the first picture by now."""
        async with aclosing(self.viewers.coded(GATE)) as coded:
            yield coded


async def started(coded: AsyncGenerator[Coded, None]) -> "asyncio.Future[Coded]":
    first = asyncio.ensure_future(anext(coded))
    await asyncio.sleep(0)
    return first


async def take(coded: AsyncGenerator[Coded, None], count: int) -> Sequence[int]:
    async with asyncio.timeout(10):
        return [(await anext(coded)).media_time for _ in range(count)]


async def test_who_comes_later_begins_with_the_last_key_picture_too() -> None:
    world = World()
    async with world.player() as first, world.player() as second:
        waiting = await started(first)
        assert world.asked == ["play gate"]
        world.give(*range(10, 25))
        assert (await waiting).media_time == 10
        assert await take(first, 14) == list(range(11, 25))
        assert await take(second, 5) == [20, 21, 22, 23, 24]
        world.give(25)
        assert await take(first, 1) == await take(second, 1) == [25]
    assert world.asked == ["play gate", "halt gate"]
    assert not world.viewers.has(GATE)


async def test_what_was_on_its_way_to_others_before_is_not_given_twice() -> None:
    world = World()
    async with world.player() as again:
        waiting = await started(again)
        world.give(18, 19, 20, 21)
        world.give(20, 21, 22, 23)
        assert (await waiting).media_time == 20
        assert await take(again, 3) == [21, 22, 23]


async def test_a_slow_one_goes_on_with_a_key_picture_and_others_notice_nothing() -> None:
    world, quick = World(), list[int]()
    async with world.player() as slow, world.player() as fast:
        waiting, first = await started(slow), await started(fast)
        for place in range(23):
            world.viewers.give(picture(place, size=LARGEST_GROUP // 6))
            quick.append((await first).media_time if place == 0 else (await take(fast, 1))[0])
        assert quick == list(range(23))
        assert (await waiting).media_time == 0
        assert await take(slow, 3) == [20, 21, 22]
        assert sum(world.dropped) == 19


async def test_what_was_before_the_camera_was_lost_is_no_beginning() -> None:
    world = World()
    async with world.player() as first, world.player() as second:
        waiting = await started(first)
        world.give(10, 11)
        await waiting
        world.viewers.cut(GATE)
        late = await started(second)
        world.give(12, 13, 20)
        assert (await late).media_time == 20


async def test_a_camera_that_is_removed_ends_it() -> None:
    world = World()
    async with world.player() as coded:
        waiting = await started(coded)
        world.give(10, 11)
        world.viewers.end(GATE)
        assert (await waiting).media_time == 10
        assert await take(coded, 1) == [11]
        with pytest.raises(StopAsyncIteration):
            await anext(coded)
    assert world.asked == ["play gate"]


async def test_video_of_a_camera_that_nobody_plays_goes_nowhere() -> None:
    world = World()
    world.give(10, 11)
    assert not world.viewers.has(GATE)
