"""What is kept of a camera, and what a slow viewer misses."""

import asyncio

import pytest

import api.playback.feed
from api.live.coded import Coded
from api.playback.feed import Feed, Picture, Queue

WAITING = api.playback.feed._WAITING


def picture(media_time: int, *, key: bool = False) -> Picture:
    return Picture.of(Coded("gate", media_time, key, False, b"picture"))


async def taken(queue: Queue) -> list[int]:
    """All that waits."""
    return [(await queue.take()).media_time for _ in range(len(queue))]


async def test_the_last_key_picture_and_all_since_are_kept() -> None:
    feed = Feed()
    for number in range(12):
        feed.put(picture(number, key=number % 5 == 0))
    assert [one.media_time for one in feed.group] == [10, 11]


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


async def test_the_group_that_a_viewer_begins_with_makes_it_no_slow_one() -> None:
    queue, count = Queue(), 3 * WAITING
    queue.begin([picture(number, key=number == 0) for number in range(count)])
    for number in range(count, count + WAITING):
        queue.put(picture(number))
    assert [(await queue.take()).media_time for _ in range(count)] == list(range(count))
    assert queue.dropped == 0
    queue.put(picture(count + WAITING))
    assert (len(queue), queue.dropped) == (0, WAITING + 1)


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
    assert (other.media_time, other.key, bytes(other.packet)) == (9, True, b"picture")
    assert one.media_time == 7


async def test_a_moment_ago_lies_after_what_was_sent_and_before_what_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    feed = Feed()
    for number in range(3):
        feed.put(picture(90_000 + number * 3600, key=number == 0))
        now += 0.04
    assert feed.just_now() == 90_000 + 2 * 3600  # the next one would be here now
    now += 1.0
    assert feed.just_now() == 90_000 + 2 * 3600 + 90_000
