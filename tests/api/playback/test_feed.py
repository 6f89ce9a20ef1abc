"""What is kept of a camera, and what a slow viewer misses."""

import asyncio

import pytest

import api.playback.feed
from api.live.coded import Coded
from api.playback.feed import Feed, Picture, Queue

WAITING = api.playback.feed._WAITING


def picture(media_time: int, *, key: bool = False, size: int = 10) -> Picture:
    return Picture.of(Coded("gate", media_time, key, False, b"x" * size))


def times(pictures: list[Picture]) -> list[int]:
    return [one.media_time for one in pictures]


async def taken(queue: Queue) -> list[int]:
    """All that waits."""
    return [(await queue.take()).media_time for _ in range(len(queue))]


def test_the_last_key_picture_and_all_since_are_kept() -> None:
    feed = Feed()
    for number in range(12):
        feed.put(picture(number, key=number % 5 == 0))
    assert times(feed.group) == [10, 11]
    assert feed.group_bytes == 20


def test_what_comes_before_a_key_picture_is_not_kept() -> None:
    feed = Feed()
    feed.put(picture(1))
    assert feed.group == []


@pytest.mark.parametrize(("limit", "most"), [("_GROUP_BYTES", 35), ("_GROUP_PICTURES", 3)])
def test_of_a_group_that_is_too_large_nothing_is_kept_until_the_next(
    monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(api.playback.feed, limit, most)
    feed = Feed()
    for number in range(3):
        feed.put(picture(number, key=number == 0))
    assert len(feed.group) == 3
    for number in range(3, 6):
        feed.put(picture(number))
    assert (feed.group, feed.group_bytes) == ([], 0)
    feed.put(picture(6, key=True))
    assert times(feed.group) == [6]


async def test_a_slow_viewer_goes_on_with_the_next_key_picture_and_hurts_only_itself() -> None:
    feed, slow, quick = Feed(), Queue(), Queue()
    for queue in (slow, quick):
        feed.join(queue)
    seen = []
    for number in range(WAITING + 12):
        feed.put(picture(number, key=number in (0, WAITING + 10)))
        seen += await taken(quick)
    assert seen == list(range(WAITING + 12))
    assert await taken(slow) == [WAITING + 10, WAITING + 11]
    assert (slow.dropped, quick.dropped) == (WAITING + 10, 0)


async def test_a_viewer_begins_with_a_key_picture() -> None:
    queue = Queue()
    queue.put(picture(1))
    queue.put(picture(2, key=True))
    queue.put(picture(3))
    assert await taken(queue) == [2, 3]


async def test_who_takes_from_an_empty_queue_waits() -> None:
    queue = Queue()
    taking = asyncio.ensure_future(queue.take())
    await asyncio.sleep(0)
    assert not taking.done()
    queue.put(picture(1, key=True))
    assert (await taking).media_time == 1


def test_a_picture_at_another_time_is_the_same_picture() -> None:
    one = picture(7, key=True)
    other = one.at(9)
    assert (other.media_time, other.key, bytes(other.packet)) == (9, True, b"x" * 10)
    assert one.media_time == 7
    assert one.at(7) is one
