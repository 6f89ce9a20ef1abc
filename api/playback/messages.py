"""What travels between the program and playback: plain and frozen, in MessagePack.

Both sides send batches (``api.processes.link``). ``Begin`` and ``Hello`` bear the version of this.
"""

from typing import TypeAlias

import msgspec

from api.live.coded import Coded
from ingest.roles import StreamRole
from ingest.webrtc.ice import Ice

VERSION = 3


class _Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    pass


# From the program to playback


class Begin(_Message, frozen=True):
    """The first message."""

    version: int


class Offer(_Message, frozen=True):
    """Somebody wants to view a camera; answered by ``Answer`` or ``Refused``.

    ``ice`` has credentials of its own: those of a TURN server expire.
    """

    session: str
    camera: str
    sdp: str
    ice: Ice

    def __repr__(self) -> str:  # a description holds what opens a connection
        return f"Offer({self.session!r}, {self.camera!r})"


class End(_Message, frozen=True):
    """This session is over."""

    session: str


class Gone(_Message, frozen=True):
    """There will be no more of this camera: its viewers' sessions are over."""

    camera: str


# From playback to the program


class Hello(_Message, frozen=True):
    """The first message."""

    version: int


class Ready(_Message, frozen=True):
    """It takes messages from here on."""


class Answer(_Message, frozen=True):
    """An offer was accepted."""

    session: str
    sdp: str

    def __repr__(self) -> str:  # as of ``Offer``
        return f"Answer({self.session!r})"


class Refused(_Message, frozen=True):
    """An offer cannot be accepted; its session never began."""

    session: str
    problem: str


class Linked(_Message, frozen=True):
    """A session has got further, as ``api.live.engine.ViewingStatus`` says."""

    session: str
    connected: bool
    rtp_origin: int | None
    encoded: bool | None
    caught_up: tuple[tuple[int, int], ...]
    role: StreamRole | None
    exact: bool


class Lost(_Message, frozen=True):
    """A viewer of this camera lost pictures, and wants a key picture."""

    camera: str


class Ended(_Message, frozen=True):
    """A session is over, and why."""

    session: str
    reason: str


class Vitals(_Message, frozen=True):
    """How playback is, told twice a second: by this the program knows that it lives.

    ``lags`` are how late its loop woke since the last time, in seconds; ``sent_bytes`` of pictures
    and ``dropped`` pictures, which waited too long for their viewers, count since it began.
    """

    resident_bytes: int
    cpu_seconds: float
    lags: tuple[float, ...]
    sent_bytes: int
    dropped: int


ToPlayback: TypeAlias = Begin | Offer | End | Coded | Gone
FromPlayback: TypeAlias = Hello | Ready | Answer | Refused | Linked | Lost | Ended | Vitals

TO_PLAYBACK: msgspec.msgpack.Decoder[list[ToPlayback]] = msgspec.msgpack.Decoder(list[ToPlayback])
FROM_PLAYBACK: msgspec.msgpack.Decoder[list[FromPlayback]] = msgspec.msgpack.Decoder(
    list[FromPlayback]
)
