"""A bounded hand-over: order, bound, what is dropped, how it ends, and who is woken how often."""

import asyncio
import gc
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Transient
from pipeline.mailbox import Mailbox

PATIENCE = 5.0
"""Seconds after which a test has failed; none waits that long otherwise."""


class Picture:
    """Something a weak reference can point to."""


async def read_all(mailbox: Mailbox[int]) -> Sequence[int]:
    async with asyncio.timeout(PATIENCE):
        return [item async for item in mailbox]


def count_wakes(monkeypatch: pytest.MonkeyPatch) -> list[Callable[..., object]]:
    """The callbacks that the running loop is given from outside, from now on."""
    loop, wakes = asyncio.get_running_loop(), list[Callable[..., object]]()
    really = loop.call_soon_threadsafe

    def call_soon_threadsafe(callback: Callable[..., object], *args: object) -> asyncio.Handle:
        wakes.append(callback)
        return really(callback, *args)

    monkeypatch.setattr(loop, "call_soon_threadsafe", call_soon_threadsafe)
    return wakes


@pytest.mark.parametrize("capacity", [0, -1])
async def test_a_mailbox_without_room_is_refused(capacity: int) -> None:
    with pytest.raises(ValueError, match="at least one item"):
        Mailbox[int](capacity)


async def test_items_come_out_in_the_order_they_went_in() -> None:
    mailbox = Mailbox[int](3)
    for item in (1, 2, 3):
        mailbox.put(item)
    mailbox.close()
    assert await read_all(mailbox) == [1, 2, 3]
    assert mailbox.dropped == 0


async def test_when_full_the_oldest_go_and_are_counted() -> None:
    mailbox = Mailbox[int](2)
    for item in range(5):
        mailbox.put(item)
    mailbox.close()
    assert await read_all(mailbox) == [3, 4]
    assert mailbox.dropped == 3


async def test_of_one_place_the_newest_item_wins() -> None:
    mailbox = Mailbox[int](1)
    for item in range(5):
        mailbox.put(item)
    mailbox.close()
    assert await read_all(mailbox) == [4]
    assert mailbox.dropped == 4


async def test_who_asked_is_told_what_was_dropped() -> None:
    gone: list[int] = []
    mailbox = Mailbox[int](2, on_drop=gone.append)
    for item in range(5):
        mailbox.put(item)
    assert gone == [0, 1, 2]


async def test_who_is_told_of_a_drop_may_use_the_mailbox() -> None:
    """``on_drop`` is not called under the lock."""
    mailbox = Mailbox[int](1, on_drop=lambda _: mailbox.close())
    mailbox.put(1)
    putting = threading.Thread(target=mailbox.put, args=(2,), daemon=True)
    putting.start()
    await asyncio.to_thread(putting.join, PATIENCE)
    assert not putting.is_alive()
    assert await read_all(mailbox) == [2]


async def test_nothing_is_an_item_too() -> None:
    gone: list[None] = []
    mailbox = Mailbox[None](1, on_drop=gone.append)
    mailbox.put(None)
    mailbox.put(None)
    mailbox.close()
    assert [item async for item in mailbox] == [None]
    assert (mailbox.dropped, gone) == (1, [None])


async def test_after_the_end_puts_go_nowhere() -> None:
    mailbox = Mailbox[int](1)
    mailbox.put(1)
    mailbox.close()
    mailbox.put(2)
    assert await read_all(mailbox) == [1]
    assert mailbox.dropped == 0


async def test_an_error_comes_after_the_last_item() -> None:
    mailbox = Mailbox[int](2)
    mailbox.put(1)
    mailbox.close(Transient("the camera is gone"))
    reader = aiter(mailbox)
    assert await anext(reader) == 1
    with pytest.raises(Transient, match="the camera is gone"):
        await anext(reader)


async def test_the_first_end_counts() -> None:
    mailbox = Mailbox[int](1)
    mailbox.close()
    mailbox.close(Transient("too late"))
    assert await read_all(mailbox) == []


async def test_a_waiting_reader_sees_the_end() -> None:
    mailbox = Mailbox[int](1)
    reading = asyncio.ensure_future(read_all(mailbox))
    await asyncio.sleep(0)
    assert not reading.done()
    mailbox.close()
    assert await reading == []


async def test_a_waiting_reader_is_woken_from_another_thread() -> None:
    mailbox = Mailbox[int](1)
    reading = asyncio.ensure_future(anext(aiter(mailbox)))
    await asyncio.sleep(0)
    assert not reading.done()
    putting = threading.Thread(target=mailbox.put, args=(7,))
    putting.start()
    async with asyncio.timeout(PATIENCE):
        assert await reading == 7
    putting.join()


async def test_the_loop_is_woken_once_from_empty_to_full(monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox, wakes = Mailbox[int](3), count_wakes(monkeypatch)
    for item in range(10):
        mailbox.put(item)
    assert len(wakes) == 1


async def test_the_loop_is_woken_again_when_all_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox, wakes = Mailbox[int](2), count_wakes(monkeypatch)
    reader = aiter(mailbox)
    for round_ in (1, 2, 3):
        mailbox.put(10 * round_)
        mailbox.put(10 * round_ + 1)
        assert [await anext(reader), await anext(reader)] == [10 * round_, 10 * round_ + 1]
        assert len(wakes) == round_


async def test_a_wake_holds_no_item() -> None:
    mailbox = Mailbox[Picture](1)
    first = Picture()
    seen = weakref.ref(first)
    mailbox.put(first)
    del first
    mailbox.put(Picture())
    gc.collect()
    assert seen() is None


async def test_while_the_next_item_is_waited_for_the_last_one_is_let_go() -> None:
    mailbox = Mailbox[Picture](1)
    reader = aiter(mailbox)
    mailbox.put(Picture())
    seen = weakref.ref(await anext(reader))
    waiting = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    gc.collect()
    assert seen() is None
    mailbox.put(Picture())
    assert isinstance(await waiting, Picture)


async def test_a_reader_that_gives_up_takes_nothing_along() -> None:
    mailbox = Mailbox[int](1)
    reading = asyncio.ensure_future(read_all(mailbox))
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    mailbox.put(1)
    mailbox.close()
    assert await read_all(mailbox) == [1]


def test_a_put_after_the_loop_has_closed_goes_nowhere() -> None:
    async def made() -> Mailbox[int]:
        return Mailbox[int](1)

    mailbox = asyncio.run(made())
    mailbox.put(1)
    mailbox.put(2)
    assert mailbox.dropped == 0


async def test_from_many_threads_everything_arrives_or_is_counted() -> None:
    writers, each, mailbox = 4, 500, Mailbox[tuple[int, int]](8)

    def write(writer: int) -> None:
        for number in range(each):
            mailbox.put((writer, number))

    async def write_all() -> None:
        await asyncio.gather(*(asyncio.to_thread(write, writer) for writer in range(writers)))
        mailbox.close()

    writing = asyncio.ensure_future(write_all())
    async with asyncio.timeout(PATIENCE):
        got = [item async for item in mailbox]
    await writing
    assert got
    assert len(got) + mailbox.dropped == writers * each
    for writer in range(writers):
        numbers = [number for who, number in got if who == writer]
        assert numbers == sorted(set(numbers))


class Model:
    """What a mailbox should do, in the plainest words."""

    def __init__(self, capacity: int) -> None:
        self.items = deque[int](maxlen=capacity)
        self.gone: list[int] = []
        self.closed = False

    def put(self, item: int) -> None:
        if self.closed:
            return
        if len(self.items) == self.items.maxlen:
            self.gone.append(self.items[0])
        self.items.append(item)


@given(
    capacity=st.integers(1, 4),
    steps=st.lists(st.sampled_from(["put", "put", "put", "read", "close"]), max_size=30),
)
def test_any_sequence_of_steps_goes_as_the_model_says(capacity: int, steps: Sequence[str]) -> None:
    async def follow() -> None:
        model, gone = Model(capacity), list[int]()
        mailbox = Mailbox[int](capacity, on_drop=gone.append)
        reader = aiter(mailbox)
        for number, step in enumerate(steps):
            if step == "put":
                model.put(number)
                mailbox.put(number)
            elif step == "close":
                model.closed = True
                mailbox.close()
            elif model.items:
                assert await anext(reader) == model.items.popleft()
            assert (gone, mailbox.dropped) == (model.gone, len(model.gone))
        mailbox.close()
        assert await read_all(mailbox) == list(model.items)

    asyncio.run(follow())


async def test_what_is_taken_in_ones_turn_is_the_newest_then() -> None:
    may_take = asyncio.Event()
    waits: list[int] = []

    @asynccontextmanager
    async def turn() -> AsyncIterator[None]:
        waits.append(len(waits))
        await may_take.wait()
        yield

    mailbox = Mailbox[int](1, turn=turn)
    reading = asyncio.ensure_future(read_all(mailbox))
    await asyncio.sleep(0)
    assert waits == []  # there is nothing to take yet
    for item in range(5):
        mailbox.put(item)
        await asyncio.sleep(0)
    mailbox.close()
    await asyncio.sleep(0)
    assert waits == [0]
    may_take.set()
    assert await reading == [4]
