"""What travels between the program and the process that embeds stored photographs.

Both sides send batches (``api.processes.link``). ``Begin`` and ``Hello`` bear the version of this.
"""

from typing import TypeAlias

import msgspec

from api.store.address import Address

VERSION = 1


class _Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    pass


class Begin(_Message, frozen=True):
    """The first message: by which pack to embed, and where the photographs are.

    ``settings`` is JSON of those sections that open the pack; none of them holds a secret.
    """

    version: int
    settings: str
    database: Address
    gallery: str


class Hello(_Message, frozen=True):
    """The first message of the process."""

    version: int


class Alive(_Message, frozen=True):
    """It works; ``trouble`` says what keeps it from that, empty if nothing does."""

    trouble: str


ToEmbedding: TypeAlias = Begin
FromEmbedding: TypeAlias = Hello | Alive

TO_EMBEDDING: msgspec.msgpack.Decoder[list[ToEmbedding]] = msgspec.msgpack.Decoder(
    list[ToEmbedding]
)
FROM_EMBEDDING: msgspec.msgpack.Decoder[list[FromEmbedding]] = msgspec.msgpack.Decoder(
    list[FromEmbedding]
)
