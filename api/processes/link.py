"""A connection between the program and a shard, and what waits to be sent on it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Generic, TypeVar

import msgspec

from pipeline.errors import FaceapiError

Sent = TypeVar("Sent")
Received = TypeVar("Received")

ENDED = "it ended"
"""Said of the other side that went between two batches."""
_LENGTH = 4
"""Bytes in front of each batch."""
_LARGEST = 1 << 26
"""Bytes of a batch at the most: several pictures."""
_LARGE = 1 << 20
"""Bytes of large messages in a batch at the most, or one that is larger: others are not late."""
_PAUSE = 0.01
"""Seconds between two batches: what comes meanwhile travels together."""


class LinkBroken(FaceapiError):  # noqa: N818 - named for what it says
    """The other side has gone, or what it sends cannot be understood."""


class Link(Generic[Sent, Received]):
    """Batches of messages over a stream.

    Args:
        decoder: of a batch that comes.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        decoder: msgspec.msgpack.Decoder[list[Received]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = decoder

    async def send(self, messages: Sequence[Sent]) -> None:
        """Send a batch; returns when there is room for the next one.

        Raises:
            LinkBroken: the other side has gone.
        """
        data = self._encoder.encode(messages)
        try:
            self._writer.write(len(data).to_bytes(_LENGTH, "big") + data)
            await self._writer.drain()
        except OSError as error:
            raise LinkBroken(f"the connection broke: {error}") from None

    async def receive(self) -> Sequence[Received]:
        """The next batch.

        Raises:
            LinkBroken: the other side has gone, or sent what is no batch of ours.
        """
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH), "big")
            if length > _LARGEST:
                raise LinkBroken(f"a batch of {length} bytes: {_LARGEST} are allowed")
            data = await self._reader.readexactly(length)
            return self._decoder.decode(data)
        except asyncio.IncompleteReadError as error:
            raise LinkBroken("it ended in a batch" if error.partial else ENDED) from None
        except (OSError, msgspec.DecodeError) as error:
            raise LinkBroken(f"what it sent cannot be understood: {error}") from None

    def close(self) -> None:
        """Send no more."""
        self._writer.close()


class Outbox(Generic[Sent]):
    """Messages on their way out, in the order they came.

    Args:
        losable: of those that may be lost, so many wait; then the oldest is dropped.
    """

    def __init__(self, losable: int = 1) -> None:
        self._most = losable
        self._large = 0
        """Bytes of large messages that wait."""
        self._room = asyncio.Event()
        self._waiting: deque[Sent] = deque()
        self._losable: deque[Sent] = deque()
        self._filled = asyncio.Event()
        self.dropped = 0

    def put(self, message: Sent) -> None:
        """Leave a message that must arrive."""
        self._waiting.append(message)
        self._filled.set()

    def put_losable(self, message: Sent) -> None:
        """Leave a message of which only the newest matter."""
        if len(self._losable) >= self._most:
            self._waiting.remove(self._losable.popleft())
            self.dropped += 1
        self._losable.append(message)
        self.put(message)

    async def put_large(self, message: Sent, size: int) -> None:
        """Leave a message of so many bytes when there is room for it; they keep their order."""
        while self._large and self._large + size > _LARGE:
            self._room.clear()
            await self._room.wait()
        self._large += size
        self.put(message)

    async def batches(self) -> AsyncIterator[Sequence[Sent]]:
        """Whatever waits, again and again, a hundred times a second at the most."""
        while True:
            await self._filled.wait()
            batch = list(self._waiting)
            self._waiting.clear()
            self._losable.clear()
            self._filled.clear()
            self._large = 0
            self._room.set()
            yield batch
            await asyncio.sleep(_PAUSE)
