"""Video on its way out of a shard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from api.live.players import Players
from ingest.playable import LARGEST_GROUP, Playable
from ingest.tee import Tee
from pipeline.messages import CameraId

GATE = CameraId("gate")


def picture(place: int, size: int = 3) -> Playable:
    return Playable(place, place % 10 == 0, False, bytes(size))


class Output:
    """Takes pictures one by one when it is told to."""

    def __init__(self) -> None:
        self.got = asyncio.Queue[int]()
        self.room = asyncio.Semaphore(0)
        self.dropped = 0

    async def coded(self, camera: CameraId, picture: Playable) -> None:
        assert camera == GATE
        await self.room.acquire()
        self.got.put_nowait(picture.media_time)

    def lost(self, pictures: int) -> None:
        self.dropped += pictures

    async def next(self) -> int:
        self.room.release()
        async with asyncio.timeout(10):
            return await self.got.get()


@asynccontextmanager
async def playing() -> AsyncIterator[tuple[Players, Output, Tee]]:
    output = Output()
    async with asyncio.TaskGroup() as group:
        players, tee = Players(group, output), Tee("gate")
        yield players, output, tee
        players.halt(GATE)


async def test_it_begins_with_the_last_group_and_to_play_again_changes_nothing() -> None:
    async with playing() as (players, output, tee):
        for place in range(13):
            tee.give(picture(place))
        players.play(GATE, tee)
        players.play(GATE, tee)
        tee.give(picture(13))
        assert [await output.next() for _ in range(4)] == [10, 11, 12, 13]
        assert output.got.empty()


async def test_after_a_halt_nothing_comes_and_the_next_one_begins_anew() -> None:
    async with playing() as (players, output, tee):
        tee.give(picture(10))
        players.play(GATE, tee)
        assert await output.next() == 10
        tee.give(picture(11))
        players.halt(GATE)
        players.halt(GATE)
        tee.give(picture(12))
        players.play(GATE, tee)
        assert [await output.next() for _ in range(3)] == [10, 11, 12]
        tee.give(picture(13))
        assert await output.next() == 13


async def test_what_finds_no_room_is_skipped_until_a_key_picture_and_counted() -> None:
    async with playing() as (players, output, tee):
        players.play(GATE, tee)
        for place in range(22):
            tee.give(picture(place, LARGEST_GROUP // 6))
            await asyncio.sleep(0)
        got = [await output.next() for _ in range(3)]
        assert got == [0, 20, 21]
        assert output.dropped == 19


@pytest.mark.parametrize("count", [1, 100])
async def test_pictures_from_a_connections_thread_arrive_in_order(count: int) -> None:
    async with playing() as (players, output, tee):
        players.play(GATE, tee)

        def film() -> None:
            for place in range(count):
                tee.give(picture(place))

        await asyncio.to_thread(film)
        assert [await output.next() for _ in range(count)] == list(range(count))


async def test_what_waits_is_not_handed_on_when_it_is_played_anew() -> None:
    async with playing() as (players, output, tee):
        players.again(GATE)  # nobody plays
        with tee.connection("H.264", None):
            players.play(GATE, tee)
            for place in range(3):
                tee.give(picture(place))
            assert await output.next() == 0
            tee.mask(())
            players.again(GATE)
            for place in range(3, 12):
                tee.give(picture(place))
            assert [await output.next() for _ in range(2)] == [10, 11]
