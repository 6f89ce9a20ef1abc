"""What travels between the program and a shard: plain and frozen, in MessagePack, never pickled.

Both sides send batches: four bytes of length (big endian), then an array of messages, each an array
that begins with its type's name. ``Begin`` and ``Hello`` bear the version of all this.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from api.live.coded import Coded
from api.live.seen import Seen
from api.store.address import Address
from ingest.load import Load
from ingest.observed import Observed
from ingest.second_stream import SecondStatus
from ingest.source import State
from ingest.trial import Measured
from ingest.troubles import Cause
from ingest.webrtc.ice import Ice

VERSION = 12


class _Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    pass


# From the program to a shard


class Begin(_Message, frozen=True):
    """The first message: what the shard is to be.

    ``settings`` is JSON of those sections that a shard needs; none of them holds a secret. They
    open the model pack ``pack``.
    """

    version: int
    shard: str
    settings: str
    database: Address
    gallery: str
    pack: str = ""


class Adopt(_Message, frozen=True):
    """Name people by another pack from now on; ``Vitals`` say when it does.

    ``settings`` are those of ``Begin``, with that pack.
    """

    settings: str


class Watch(_Message, frozen=True):
    """Watch a camera, or watch it by another address; numbers go on after these.

    ``options`` is JSON of its ``CameraOptions``; ``Masked`` answers with the number ``masks``.
    ``view`` and ``detail`` are the addresses of further streams, empty where it has none.
    """

    camera: str
    url: str
    after_seq: int
    after_track: int
    after_media_time: int
    options: str = "{}"
    masks: int = 0
    view: str = ""
    detail: str = ""

    def __repr__(self) -> str:  # the address may hold a password
        return f"Watch({self.camera!r})"


class Unwatch(_Message, frozen=True):
    """Watch it no more; answered by ``Unwatched``."""

    camera: str


class Show(_Message, frozen=True):
    """Somebody looks: send this camera's pictures."""

    camera: str


class Hide(_Message, frozen=True):
    """Nobody looks any more."""

    camera: str


class Play(_Message, frozen=True):
    """Somebody plays this camera's video: send it as ``Coded``, from the last key picture on."""

    camera: str


class Halt(_Message, frozen=True):
    """Nobody plays it any more."""

    camera: str


class RequestKey(_Message, frozen=True):
    """Somebody who plays it lost pictures: send a key picture soon, where one can be had."""

    camera: str


class Publish(_Message, frozen=True):
    """Somebody offers (SDP) to publish to a camera; answered by ``Published`` or ``Refused``."""

    request: int
    camera: str
    offer: str
    ice: Ice


class Unpublish(_Message, frozen=True):
    """End a session; answered by ``Unpublished`` or ``Refused``."""

    request: int
    camera: str
    session: str


class Check(_Message, frozen=True):
    """Try an address with these options (JSON); answered by ``Checked`` or ``Refused``."""

    request: int
    url: str
    options: str

    def __repr__(self) -> str:  # the address may hold a password
        return f"Check({self.request})"


class Exchange(_Message, frozen=True):
    """Watch a camera by another address once a picture comes; answered by ``Exchanged``.

    ``Refused`` says that none came: it is watched as it was.
    """

    request: int
    watch: Watch


class Reach(_Message, frozen=True):
    """Follow the gallery's log up to this change; answered by ``Reached``."""

    number: int


class Found(_Message, frozen=True):
    """What a ``Search`` found: for each vector people and similarities, or why there is nothing."""

    search: int
    matches: tuple[tuple[tuple[str, float], ...], ...]
    problem: str = ""


# From a shard to the program


class Hello(_Message, frozen=True):
    """The first message."""

    version: int


class Ready(_Message, frozen=True):
    """It takes messages from here on; networks are loaded, no camera is watched yet."""


class Changed(_Message, frozen=True):
    """A camera is in another state; ``since`` is in Unix seconds.

    ``load`` is there where it is overloaded, ``cause`` where something is wrong with the camera.
    """

    camera: str
    state: State
    reason: str
    since: float
    load: Load | None
    cause: Cause | None


class Masked(_Message, frozen=True):
    """The camera is masked as ``Watch`` said; what was seen before is not after this media time."""

    camera: str
    masks: int
    media_time: int


class Unwatched(_Message, frozen=True):
    """The camera's connection is gone."""

    camera: str


class Published(_Message, frozen=True):
    """Somebody publishes: a session has begun, and this (SDP) is the answer to the offer."""

    request: int
    session: str
    answer: str


class Unpublished(_Message, frozen=True):
    """The session's connection is gone."""

    request: int


class Checked(_Message, frozen=True):
    """What was seen there; the picture is a JPEG."""

    request: int
    video: Measured
    jpeg: bytes


class Exchanged(_Message, frozen=True):
    """The camera is watched by the other address."""

    request: int


class Refusal(StrEnum):
    """What is to be done about it says which error it is in the program."""

    BAD_INPUT = "bad-input"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"
    UNREADY = "unready"
    UNUSABLE = "unusable"


class Refused(_Message, frozen=True):
    """What was asked for was not done; ``cause`` is there where a camera is to blame."""

    request: int
    why: Refusal
    problem: str
    cause: Cause | None = None


class Shown(_Message, frozen=True):
    """An analysed picture as a JPEG; may be dropped on the way."""

    camera: str
    seq: int
    media_time: int
    captured_at: float
    jpeg: bytes


class Reached(_Message, frozen=True):
    """Nothing that was deleted up to this change is in any result from here on."""

    number: int


class Search(_Message, frozen=True):
    """Look these up in the gallery, which is too large to be here: float32, little endian.

    They were made by ``pack``.
    """

    search: int
    vectors: bytes
    dimension: int
    pack: str = ""


class Device(_Message, frozen=True):
    """Where a network was to run, and where it runs."""

    network: str
    asked: str
    used: str


class Stream(_Message, frozen=True):
    """What came of a camera so far in this process."""

    camera: str
    observed: Observed


class Second(_Message, frozen=True):
    """How a further stream of a camera is in this process."""

    camera: str
    status: SecondStatus


class Vitals(_Message, frozen=True):
    """How the shard is, told twice a second: by this the program knows that it lives.

    ``lags`` are how late its loop woke since the last time, in seconds; ``dropped`` counts the
    results and pictures (of videos, too) that waited too long to be sent, ``position``
    is that of its gallery, and ``pack`` names people here; empty while it loads. ``tasks`` are
    those of its event loop, ``threads`` Python's: with the same cameras in the same state both are
    the same.
    """

    resident_bytes: int
    cpu_seconds: float
    tasks: int
    threads: int
    lags: tuple[float, ...]
    dropped: int
    position: int
    devices: tuple[Device, ...]
    streams: tuple[Stream, ...]
    pack: str = ""
    seconds: tuple[Second, ...] = ()


Answer: TypeAlias = Published | Unpublished | Checked | Exchanged | Refused
ToShard: TypeAlias = (
    Begin
    | Adopt
    | Watch
    | Unwatch
    | Show
    | Hide
    | Play
    | Halt
    | RequestKey
    | Publish
    | Unpublish
    | Check
    | Exchange
    | Reach
    | Found
)
FromShard: TypeAlias = (
    Hello
    | Ready
    | Seen
    | Changed
    | Masked
    | Unwatched
    | Shown
    | Coded
    | Answer
    | Reached
    | Search
    | Vitals
)

TO_SHARD: msgspec.msgpack.Decoder[list[ToShard]] = msgspec.msgpack.Decoder(list[ToShard])
FROM_SHARD: msgspec.msgpack.Decoder[list[FromShard]] = msgspec.msgpack.Decoder(list[FromShard])
