"""What goes over the socket and to the terminal, one JSON object a message.

``python -m api.live.wire`` prints the JSON Schema, from which a browser's types are made.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from api.live.seen import Face, Seen
from ingest.source import State
from ingest.troubles import Cause
from pipeline.messages import PersonId, Status

CameraState = Literal[
    State.CONNECTING,
    State.LIVE,
    State.OVERLOADED,
    State.STALLED,
    State.WAITING,
    State.FAILED,
    State.ENDED,
    "disabled",
]
"""Where a camera is in its life; disabled: nobody watches it."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FaceMessage(_Message):
    """A face of a frame and what is known of it."""

    track: int = Field(description="The same face of the same camera keeps its number.")
    box: tuple[float, float, float, float] = Field(
        description="Left, top, width, height in pixels of the frame."
    )
    detection_score: float = Field(description="The detector's own score, 0 to 1; no probability.")
    status: Status = Field(
        description=(
            "Ignored is too small to judge, or somebody who is never told; pending, not judged yet."
        )
    )
    person: str | None = Field(description="Who it is, if the status is known: an id.")
    name: str | None = Field(description="What that person is called.")
    similarity: float | None = Field(
        description="To the nearest person of the gallery, by the pack's metric; no probability."
    )


Cursor = Annotated[int, Field(ge=0, le=(1 << 53) - 1)]
"""The number of a message among all of one start of the program; 0 is before the first."""
_OWN_CURSOR = Field(
    default=None,
    exclude_if=lambda cursor: cursor is None,
    description="Its number in the stream; left out where there is none.",
)


class FrameMessage(_Message):
    """Who is on one frame of one camera."""

    type: Literal["frame"] = "frame"
    cursor: Cursor | None = _OWN_CURSOR
    camera: str
    seq: int = Field(description="Number of the frame, counted from 0; dropped ones leave a gap.")
    media_time: int = Field(
        description="Its place in the camera's video, in ticks of 90 kHz: it only grows."
    )
    captured_at: float = Field(
        description="When it was exposed: Unix seconds; for a file, seconds from its start."
    )
    rtp_timestamp: int | None = Field(description="Its 32-bit RTP timestamp, where it is known.")
    width: int = Field(description="Of the frame, in pixels.")
    height: int = Field(description="Of the frame, in pixels.")
    faces: tuple[FaceMessage, ...]


class Appearance(_Message):
    """How often and when somebody was named."""

    frames: int
    first_seen: float = Field(description="captured_at of the first of these frames.")
    last_seen: float = Field(description="captured_at of the last of these frames.")


class SummaryMessage(_Message):
    """The last message of a watch that ended."""

    type: Literal["summary"] = "summary"
    frames: int
    seconds: float = Field(description="That the watch took.")
    people: Mapping[str, Appearance] = Field(description="Whoever was named, by name.")
    unknown_tracks: int = Field(description="Tracks that were judged, and never named.")


class LoadMessage(_Message):
    """What a camera offers, and what is analysed of it."""

    asked: float = Field(description="Frames a second that the camera sends.")
    got: float = Field(description="Frames a second that are analysed.")


class CameraMessage(_Message):
    """A camera is in another state."""

    type: Literal["camera"] = "camera"
    cursor: Cursor | None = _OWN_CURSOR
    camera: str
    state: CameraState
    reason: str = Field(description="What led there, empty where there is nothing to say.")
    since: float = Field(description="Unix seconds.")
    load: LoadMessage | None = Field(
        default=None, description="When it became so, where it is overloaded."
    )
    cause: Cause | None = Field(
        default=None, description="What is wrong with the camera, where something is, in a word."
    )


class PresenceMessage(_Message):
    """Somebody came into view of a camera, went, or was never there.

    Whoever keeps presences keeps them by their number: a person who was deleted meanwhile is null.
    """

    type: Literal["presence"] = "presence"
    cursor: Cursor | None = _OWN_CURSOR
    camera: str
    presence: int = Field(description="Its number: of its end it is that of its beginning.")
    change: Literal["entered", "left", "retracted"] = Field(
        description=(
            "left: no frame named them for live.leave_after seconds; retracted: it was somebody"
            " else all the time, and there never was such a presence."
        )
    )
    person: str | None = Field(description="Who it is: an id; null: something was deleted of them.")
    name: str | None = Field(description="What that person is called.")
    since: float = Field(description="captured_at of the first frame that named them.")
    last_seen: float = Field(description="captured_at of the last one so far.")


class MomentMessage(_Message):
    """A frame of a camera, by its numbers."""

    seq: int
    media_time: int
    captured_at: float


class RevisionMessage(_Message):
    """A name was wrong: what was told of a track since a frame is corrected."""

    type: Literal["revision"] = "revision"
    cursor: Cursor | None = _OWN_CURSOR
    camera: str
    track: int = Field(description="On whose faces the wrong name was.")
    was: str | None = Field(description="The wrong one: an id; null: something was deleted of it.")
    status: Status = Field(description="What is known now.")
    person: str | None = Field(description="Who it is instead, if the status is known: an id.")
    name: str | None = Field(description="What that person is called.")
    since: MomentMessage = Field(description="The first frame that bore the wrong name.")
    until: MomentMessage = Field(description="The first frame that does not bear it any more.")


class SnapshotMessage(_Message):
    """How the cameras of a subscription are now; what happens on them from here on follows."""

    type: Literal["snapshot"] = "snapshot"
    epoch: str = Field(description="Of the stream; another one after each start of the program.")
    cursor: Cursor = Field(description="The last message that is in it.")
    max_age: float = Field(description="Seconds after which a result is not shown any more.")
    cameras: tuple[CameraMessage, ...] = Field(description="The state of each.")
    frames: tuple[FrameMessage, ...] = Field(
        description=(
            "The last result of each, where it is not too old to be shown; all that are not,"
            " in order, where recent was asked for."
        )
    )
    present: tuple[PresenceMessage, ...] = Field(
        default=(), description="Who is there now; none who is not named here is."
    )


class GapMessage(_Message):
    """Messages that this reader does not get; a snapshot follows at once."""

    type: Literal["gap"] = "gap"
    reason: Literal["slow", "expired", "reset"] = Field(
        description=(
            "slow: they waited too long for the reader; expired: they are not kept any more;"
            " reset: the cursor is of another epoch, and nothing is known of what was missed."
        )
    )
    after: Cursor = Field(description="The last message before the gap; 0 after a reset.")
    to: Cursor = Field(description="The last message in the gap.")
    missed: int | None = Field(
        description="How many of them were for this reader; null if that is not known any more."
    )


class ProblemMessage(_Message):
    """What the other side sent cannot be used."""

    type: Literal["problem"] = "problem"
    detail: str


class Position(_Message):
    """Up to where a reader has read."""

    epoch: str = Field(max_length=64, description="As the last snapshot said.")
    cursor: Cursor = Field(description="The last one that came: a message's, or a gap's end.")


class SubscribeMessage(_Message):
    """From a browser: the cameras that it wants to hear of from now on; null for all."""

    type: Literal["subscribe"]
    cameras: tuple[Annotated[str, Field(max_length=200)], ...] | None = Field(
        max_length=10_000, description="Their ids."
    )
    after: Position | None = Field(
        default=None, description="Where to go on; null: with a snapshot of now."
    )
    recent: bool = Field(
        default=False,
        description="The first snapshot has all results that are not too old to be shown.",
    )


LiveMessage = FrameMessage | CameraMessage | RevisionMessage | PresenceMessage
"""What happens on a camera."""
StreamMessage = LiveMessage | SnapshotMessage | GapMessage | ProblemMessage
"""What goes to whoever listens."""
Message = Annotated[
    FrameMessage
    | SummaryMessage
    | CameraMessage
    | RevisionMessage
    | PresenceMessage
    | SnapshotMessage
    | GapMessage
    | ProblemMessage
    | SubscribeMessage,
    Field(discriminator="type"),
]


_Named = TypeVar("_Named", FaceMessage, RevisionMessage)
_NOBODY = MappingProxyType({"status": Status.UNKNOWN, "person": None, "name": None})

ToldAs = Callable[[PersonId], str | Literal[Status.IGNORED] | None]
"""What a person is called; ignored for one who is never told, None for one who is there no more."""


def frame_message(seen: Seen, told_as: ToldAs) -> FrameMessage:
    """What was seen, as it is sent; whom ``told_as`` does not know any more is unknown."""
    return FrameMessage(
        camera=seen.camera,
        seq=seen.seq,
        media_time=seen.media_time,
        captured_at=seen.captured_at,
        rtp_timestamp=seen.rtp_timestamp,
        width=seen.width,
        height=seen.height,
        faces=tuple(_face_message(face, told_as) for face in seen.faces),
    )


def revision_messages(seen: Seen, told_as: ToldAs) -> Sequence[RevisionMessage]:
    """Which names were wrong, as it is sent; of those that are told at all.

    What was told of who was deleted or is ignored now has been taken back by that itself.
    """
    return [
        RevisionMessage(
            camera=seen.camera,
            track=one.track,
            was=one.was,
            **_known(one.status, one.person, told_as),
            since=MomentMessage(
                seq=one.since.seq,
                media_time=one.since.media_time,
                captured_at=one.since.captured_at,
            ),
            until=MomentMessage(
                seq=seen.seq, media_time=seen.media_time, captured_at=seen.captured_at
            ),
        )
        for one in seen.revisions
        if told_as(one.was) not in {None, Status.IGNORED}
    ]


def without(message: LiveMessage, people: Collection[PersonId]) -> LiveMessage:
    """The same message, in which nothing is said of these people; itself if nothing was."""
    match message:
        case FrameMessage() if any(face.person in people for face in message.faces):
            faces = (_unknown(one) if one.person in people else one for one in message.faces)
            return message.model_copy(update={"faces": tuple(faces)})
        case PresenceMessage() if message.person in people:
            return message.model_copy(update={"person": None, "name": None})
        case RevisionMessage() if {message.was, message.person}.intersection(people):
            revised = _unknown(message) if message.person in people else message
            was = None if message.was in people else message.was
            return revised.model_copy(update={"was": was})
    return message


def schema() -> str:
    """The JSON Schema of all messages."""
    return json.dumps(TypeAdapter[Message](Message).json_schema(), indent=2)


def _unknown(said: _Named) -> _Named:
    return said.model_copy(update=_NOBODY)


def _known(status: Status, person: PersonId | None, told_as: ToldAs) -> Mapping[str, Any]:
    """Status, person and name; whom ``told_as`` does not know any more is unknown."""
    called = None if person is None else told_as(person)
    if person is not None and called is None:
        return _NOBODY
    if called is Status.IGNORED:
        return {"status": Status.IGNORED, "person": None, "name": None}
    return {"status": status, "person": person, "name": called}


def _face_message(face: Face, told_as: ToldAs) -> FaceMessage:
    left, top, width, height = face.box
    return FaceMessage(
        track=face.track,
        # A tenth of a pixel is finer than any detector sees.
        box=(round(left, 1), round(top, 1), round(width, 1), round(height, 1)),
        detection_score=round(face.score, 4),
        **_known(face.status, face.person, told_as),
        similarity=None if face.similarity is None else round(face.similarity, 4),
    )


if __name__ == "__main__":
    print(schema())  # noqa: T201 - this is the command's answer
