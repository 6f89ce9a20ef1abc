"""What the store gives and takes."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from ingest.address import CameraAddress
from ingest.options import DEFAULTS, CameraOptions
from ingest.roles import Streams
from pipeline.errors import FaceapiError
from pipeline.messages import CameraId, FaceId, PackId, PersonId, Vector

UserId = NewType("UserId", str)


class NotFound(FaceapiError):  # noqa: N818 - named for what it says
    """There is nothing by that id."""


class Conflict(FaceapiError):  # noqa: N818 - named for what it says
    """It would contradict what is there."""


class Role(StrEnum):
    """What a user may do."""

    ADMINISTRATOR = "administrator"
    """Everything."""
    VIEWER = "viewer"
    """See who is on which camera, ask who is in a picture; change nothing but one's password."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in."""

    id: UserId
    name: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is in the gallery; ``faces`` counts her templates.

    One who is ``ignored`` is recognized, so that nobody else is taken for her, and never told.
    """

    id: PersonId
    name: str
    ignored: bool
    faces: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A template's record; ``width`` and ``height`` are the crop's, in pixels.

    One that is ``set_aside`` is kept, and not searched.
    """

    id: FaceId
    person: PersonId
    pack: PackId
    width: int
    height: int
    created_at: datetime
    set_aside: bool


@dataclass(frozen=True, slots=True, eq=False)
class NewFace:
    """What enrollment made of a photograph.

    ``template`` and ``crop`` (a JPEG) are sealed by the store; ``photograph`` is a digest by
    which the same one is known again. A ``counter`` example is the face of somebody else.
    """

    pack: PackId
    template: Vector = field(repr=False)
    crop: bytes = field(repr=False)
    width: int
    height: int
    photograph: bytes = field(repr=False)
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that is to be watched while it is ``enabled``."""

    id: CameraId
    name: str
    url: CameraAddress
    enabled: bool
    created_at: datetime
    options: CameraOptions = DEFAULTS
    streams: Streams = field(default_factory=Streams)


class Kind(StrEnum):
    """What may happen to a gallery."""

    FACE_ADDED = "face-added"
    FACE_REMOVED = "face-removed"
    PERSON_NAMED = "person-named"
    PERSON_REMOVED = "person-removed"


REMOVALS = frozenset({Kind.FACE_REMOVED, Kind.PERSON_REMOVED})
"""By which something of a person is deleted."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of a gallery's log; ``face`` where it is about one."""

    number: int
    kind: Kind
    person: PersonId
    face: FaceId | None = None
