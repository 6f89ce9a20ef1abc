import asyncio
import threading
from collections.abc import Sequence

import pytest

from ingest.backlog import Backlog
from ingest.playable import LARGEST_GROUP, LONGEST_GROUP, Playable


def picture(place: int, *, every: int = 10, size: int = 3) -> Playable:
    return Playable(place, place % every == 0, False, bytes(size))


async def taken(backlog: Backlog[Playable]) -> Sequence[int]:
    backlog.close()
    return [one.media_time async for one in backlog]


async def test_it_begins_with_a_key_picture_and_has_no_hole() -> None:
    dropped: list[int] = []
    backlog = Backlog[Playable](dropped.append)
    for place in range(7, 35):
        backlog.put(picture(place))
    assert await taken(backlog) == list(range(10, 35))
    assert dropped == []


@pytest.mark.parametrize(
    ("size", "fit"), [(LARGEST_GROUP // 5, 10), (1, 2 * LONGEST_GROUP)], ids=["bytes", "pictures"]
)
async def test_when_too_much_waits_it_goes_on_with_the_next_key_picture(
    size: int, fit: int
) -> None:
    dropped: list[int] = []
    backlog, every = Backlog[Playable](dropped.append), fit + 5
    for place in range(fit):
        backlog.put(picture(place, every=every, size=size))
    assert dropped == []
    for place in range(fit, fit + 10):
        backlog.put(picture(place, every=every, size=size))
    assert sum(dropped) == fit + 5
    assert await taken(backlog) == list(range(every, every + 5))


async def test_a_key_picture_that_finds_no_room_takes_it() -> None:
    dropped: list[int] = []
    backlog = Backlog[Playable](dropped.append)
    for place in range(11):
        backlog.put(picture(place, size=LARGEST_GROUP // 5))
    assert await taken(backlog) == [10]
    assert dropped == [10]


async def test_what_was_read_makes_room() -> None:
    dropped: list[int] = []
    backlog = Backlog[Playable](dropped.append)
    reading = aiter(backlog)
    for place in range(50):
        backlog.put(picture(place, size=LARGEST_GROUP // 2))
        assert (await anext(reading)).media_time == place
    assert dropped == []


async def test_pictures_come_from_another_thread() -> None:
    backlog = Backlog[Playable](lambda _: None)

    def film() -> None:
        for place in range(100):
            backlog.put(picture(place))
        backlog.close()

    thread = threading.Thread(target=film)
    async with asyncio.timeout(20):
        thread.start()
        assert [one.media_time async for one in backlog] == list(range(100))
    thread.join()


async def test_what_was_cleared_is_not_taken_and_it_goes_on_with_the_next_key_picture() -> None:
    backlog = Backlog[Playable](lambda _: None)
    for place in range(5):
        backlog.put(picture(place))
    backlog.clear()
    for place in range(5, 12):
        backlog.put(picture(place))
    assert await taken(backlog) == [10, 11]
