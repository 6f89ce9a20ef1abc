"""What goes over the socket and to the terminal, one JSON object a message.

``python -m api.live.wire`` prints the JSON Schema, from which a browser's types are made.
"""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from api.live.seen import Face, Seen
from ingest.source import State
from ingest.troubles import Cause
from pipeline.messages import PersonId, Status

CameraState = Literal[
    State.CONNECTING,
    State.LIVE,
    State.OVERLOADED,
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
    status: Status = Field(description="Ignored is too small to judge; pending, not judged yet.")
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


LiveMessage = FrameMessage | CameraMessage
"""What happens on a camera."""
StreamMessage = LiveMessage | SnapshotMessage | GapMessage | ProblemMessage
"""What goes to whoever listens."""
Message = Annotated[
    FrameMessage
    | SummaryMessage
    | CameraMessage
    | SnapshotMessage
    | GapMessage
    | ProblemMessage
    | SubscribeMessage,
    Field(discriminator="type"),
]


def frame_message(seen: Seen, name: Callable[[PersonId], str | None]) -> FrameMessage:
    """What was seen, as it is sent; whom ``name`` does not know any more is unknown."""
    return FrameMessage(
        camera=seen.camera,
        seq=seen.seq,
        media_time=seen.media_time,
        captured_at=seen.captured_at,
        rtp_timestamp=seen.rtp_timestamp,
        width=seen.width,
        height=seen.height,
        faces=tuple(_face_message(face, name) for face in seen.faces),
    )


def without(message: FrameMessage, people: Collection[PersonId]) -> FrameMessage:
    """The same frame, on which these people are unknown; itself if none of them is on it."""
    if not any(face.person in people for face in message.faces):
        return message
    faces = (_unknown(one) if one.person in people else one for one in message.faces)
    return message.model_copy(update={"faces": tuple(faces)})


def schema() -> str:
    """The JSON Schema of all messages."""
    return json.dumps(TypeAdapter[Message](Message).json_schema(), indent=2)


def _unknown(face: FaceMessage) -> FaceMessage:
    nobody = {"status": Status.UNKNOWN, "person": None, "name": None}
    return face.model_copy(update=nobody)


def _face_message(face: Face, name: Callable[[PersonId], str | None]) -> FaceMessage:
    called = None if face.person is None else name(face.person)
    gone = face.person is not None and called is None
    left, top, width, height = face.box
    return FaceMessage(
        track=face.track,
        # A tenth of a pixel is finer than any detector sees.
        box=(round(left, 1), round(top, 1), round(width, 1), round(height, 1)),
        detection_score=round(face.score, 4),
        status=Status.UNKNOWN if gone else face.status,
        person=None if gone else face.person,
        name=called,
        similarity=None if face.similarity is None else round(face.similarity, 4),
    )


if __name__ == "__main__":
    print(schema())  # noqa: T201 - this is the command's answer
