"""A message as it goes to all who listen: encoded once, however many they are."""

from functools import cached_property

import msgspec

from api.live.wire import StreamMessage


class Told:
    """A message and its two encodings, each made when the first one asks for it."""

    def __init__(self, message: StreamMessage) -> None:
        self.message = message

    @cached_property
    def json(self) -> str:
        """One JSON object."""
        return self.message.model_dump_json()

    @cached_property
    def msgpack(self) -> bytes:
        """The same as one MessagePack map."""
        return msgspec.msgpack.encode(self.message.model_dump(mode="json"))


def unpacked(data: bytes) -> object:
    """What somebody packed as MessagePack.

    Raises:
        ValueError: it is no MessagePack.
    """
    try:
        return msgspec.msgpack.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError) as error:
        raise ValueError(f"no MessagePack: {error}") from None
