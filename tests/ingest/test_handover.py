import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing

import pytest

from ingest.handover import Handover, decoded
from pipeline.errors import Transient
from pipeline.messages import Capture, Image
from tests.fakes import black, capture


async def test_a_lossless_handover_makes_the_thread_wait_and_loses_nothing() -> None:
    handover, made = Handover(2, lossless=True), []

    def decode(out: Handover) -> None:
        for seq in range(50):
            made.append(seq)
            out.put(capture(seq))

    seen: list[int] = []
    async with aclosing(decoded(decode, handover, "replay gate")) as frames:
        async for got in frames:
            assert len(made) <= len(seen) + 4  # the one here, two ready, one in hand
            seen.append(got.seq)
    assert seen == list(range(50))


async def test_otherwise_the_newest_frame_wins() -> None:
    handover = Handover(1, lossless=False)

    def decode(out: Handover) -> None:
        for seq in range(50):
            out.put(capture(seq))

    reader = decoded(decode, handover, "camera gate")
    assert [got.seq async for got in reader][-1] == 49


async def test_what_is_dropped_never_becomes_an_image() -> None:
    painted: list[int] = []

    def picture_of(seq: int) -> Capture:
        def paint() -> Image:
            painted.append(seq)
            return black()

        return capture(seq, paint)

    def decode(out: Handover) -> None:
        for seq in range(50):
            out.put(picture_of(seq))

    taken = [got async for got in decoded(decode, Handover(1, lossless=False), "camera gate")]
    assert painted == []
    assert taken[-1].frame().seq == 49
    assert painted == [49]


async def test_what_the_thread_raises_reaches_the_reader_after_the_frames() -> None:
    def decode(out: Handover) -> None:
        out.put(capture(0))
        raise Transient("gone")

    frames = decoded(decode, Handover(1, lossless=True), "replay gate")
    assert (await anext(frames)).seq == 0
    with pytest.raises(Transient, match="gone"):
        await anext(frames)


@pytest.mark.parametrize("lossless", [True, False])
async def test_closing_ends_a_thread_that_would_go_on_for_ever(
    *, lossless: bool, decoding_threads: Callable[[], list[threading.Thread]]
) -> None:
    def decode(out: Handover) -> None:
        while True:
            out.put(capture(0))

    async with aclosing(decoded(decode, Handover(1, lossless=lossless), "camera gate")) as frames:
        await anext(frames)
        assert len(decoding_threads()) == 1
    assert decoding_threads() == []


async def test_a_pause_ends_when_the_reader_is_cancelled() -> None:
    def decode(out: Handover) -> None:
        out.pause(1000)

    async def read() -> None:
        async for _ in decoded(decode, Handover(1, lossless=False), "camera gate"):
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    reading.cancel()
    async with asyncio.timeout(60):
        with pytest.raises(asyncio.CancelledError):
            await reading


async def test_the_event_loop_goes_on_while_the_thread_finishes() -> None:
    may_end = threading.Event()

    def decode(out: Handover) -> None:
        out.put(capture(0))
        may_end.wait(60)

    frames = decoded(decode, Handover(1, lossless=False), "camera gate")
    await anext(frames)
    closing = asyncio.create_task(frames.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    may_end.set()
    async with asyncio.timeout(60):
        await closing
