"""What travels between program and shard: whole, in order, bounded, and garbage is refused."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from api.live.seen import Face, Seen
from api.processes.link import Link, LinkBroken, Outbox
from api.shards.messages import FROM_SHARD, TO_SHARD, FromShard, Hello, Shown, ToShard, Watch
from pipeline.messages import PersonId, Status

SEEN = Seen(
    "gate",
    7,
    9000,
    1.5,
    None,
    64,
    48,
    (Face(1, (1, 2, 3, 4), 0.9, Status.KNOWN, PersonId("Ann"), 0.9),),
)


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Link[FromShard, ToShard], asyncio.StreamWriter, Any]]:
    """A shard's link, and the program's end of it as bare streams."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    link: Link[FromShard, ToShard] = Link(reader, writer, TO_SHARD)
    bare_reader, bare_writer = await asyncio.open_unix_connection(sock=theirs)
    async with asyncio.timeout(20):
        yield link, bare_writer, bare_reader
    for one in (writer, bare_writer):
        one.close()


async def test_a_batch_arrives_as_it_was_sent() -> None:
    async with linked() as (link, writer, reader):
        batch: list[FromShard] = [Hello(1), SEEN, Shown("gate", 7, 9000, 1.5, b"jpeg")]
        await link.send(batch)
        program: Link[ToShard, FromShard] = Link(reader, writer, FROM_SHARD)
        assert await program.receive() == batch


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"\x00\x00\x00\x05hello", "cannot be understood"),
        (b"\x7f\xff\xff\xff", "are allowed"),
        (b"\x00\x00\x00\x05hel", "ended in a batch"),
        (b"", "it ended"),
        (len(data := msgspec.msgpack.encode([["Nobody", 1]])).to_bytes(4, "big") + data, "Nobody"),
        (len(data := msgspec.msgpack.encode([SEEN])).to_bytes(4, "big") + data, "Seen"),
    ],
    ids=["garbage", "too large", "half", "nothing", "unknown", "of the other direction"],
)
async def test_what_is_no_batch_of_ours_breaks_the_link(sent: bytes, said: str) -> None:
    async with linked() as (link, writer, _):
        writer.write(sent)
        writer.close()
        with pytest.raises(LinkBroken, match=said):
            await link.receive()


async def test_a_password_is_in_no_representation() -> None:
    assert "secret" not in repr(Watch("gate", "rtsp://user:secret@host/", 0, 0, 0))


async def test_when_too_much_waits_the_oldest_that_may_be_lost_goes() -> None:
    outbox = Outbox[str](losable=2)
    for message in ("a result", "another", "the newest"):
        outbox.put_losable(message)
        outbox.put(f"state after {message}")
    assert await anext(aiter(outbox.batches())) == [
        "state after a result",
        "another",
        "state after another",
        "the newest",
        "state after the newest",
    ]
    assert outbox.dropped == 1


async def test_what_comes_while_a_batch_is_sent_travels_together() -> None:
    outbox = Outbox[int]()
    batches = aiter(outbox.batches())
    outbox.put(0)
    assert await anext(batches) == [0]
    following = asyncio.ensure_future(anext(batches))
    for number in (1, 2, 3):
        outbox.put(number)
        await asyncio.sleep(0.001)
    assert await following == [1, 2, 3]


async def test_large_messages_wait_for_room_and_keep_their_order() -> None:
    outbox = Outbox[str]()
    batches = aiter(outbox.batches())

    async def fill() -> None:
        for number in range(4):
            await outbox.put_large(f"{number} of 600 KB", 600_000)
        await outbox.put_large("2 MB", 2_000_000)
        outbox.put("small")

    filling = asyncio.ensure_future(fill())
    await asyncio.sleep(0)
    outbox.put("a result")
    async with asyncio.timeout(10):
        assert await anext(batches) == ["0 of 600 KB", "a result"]
        taken = [await anext(batches) for _ in range(4)]
        await filling
    assert [one for batch in taken for one in batch] == [
        "1 of 600 KB",
        "2 of 600 KB",
        "3 of 600 KB",
        "2 MB",
        "small",
    ]
