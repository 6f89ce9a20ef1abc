"""What travels through the rooms, in the order a frame meets it.

Images are uint8 arrays [height, width, 3] in BGR. Boxes and points are in pixels of the image
they were found in: x to the right, y downwards, (0, 0) the top left corner of the top left pixel.
Messages that hold arrays don't compare (``eq=False``): arrays have no single truth value.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, TypeAlias

import numpy as np
from numpy.typing import NDArray

CameraId = NewType("CameraId", str)
TrackId = NewType("TrackId", int)
PersonId = NewType("PersonId", str)
FaceId = NewType("FaceId", str)
GalleryId = NewType("GalleryId", str)
PackId = NewType("PackId", str)

Image: TypeAlias = NDArray[np.uint8]
"""[height, width, 3], BGR, 0..255."""
Points: TypeAlias = NDArray[np.float32]
"""[5, 2]: the eye on the image's left, the other eye, nose tip, left and right mouth corner."""
Vectors: TypeAlias = NDArray[np.float32]
"""[n, dimension], each row of Euclidean length 1."""
Vector: TypeAlias = NDArray[np.float32]
"""[dimension], of Euclidean length 1."""


Detail: TypeAlias = Callable[[], Image | None]
"""Makes a larger image of what is seen in another one, or None."""


def no_detail() -> None:
    """There is no larger image."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; it may reach over the image's edge."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """One picture of one camera as its source holds it: decoded, and not yet an image.

    ``seq`` counts the pictures of a connection from 0, dropped ones included. ``media_time`` is its
    place in the video, in ticks of 90 kHz: it grows from picture to picture, over all connections
    of a camera (which begin at Unix time), and from 0 on in a file. ``captured_at`` is
    the moment of exposure in seconds: Unix time for a camera, the picture's place in the video for
    a file. ``rtp_timestamp`` is its 32-bit RTP timestamp (90 kHz) where it is known. ``paint``
    makes the image; it computes, and may be called on any thread. ``detail`` is as of ``Frame``.
    """

    camera: CameraId
    seq: int
    media_time: int
    captured_at: float
    rtp_timestamp: int | None
    paint: Callable[[], Image]
    detail: Detail = no_detail

    def frame(self) -> "Frame":
        """The same with its image; blocks while that is made."""
        return Frame(
            self.camera,
            self.seq,
            self.media_time,
            self.captured_at,
            self.rtp_timestamp,
            self.paint(),
            self.detail,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture that was taken for analysis, with the numbers of its ``Capture``.

    ``detail`` makes the image of the same moment and the same view in more pixels, None where
    there is none; it computes, and may be called on any thread.
    """

    camera: CameraId
    seq: int
    media_time: int
    captured_at: float
    rtp_timestamp: int | None
    image: Image
    detail: Detail = no_detail


@dataclass(frozen=True, slots=True, eq=False)
class DetectedFace:
    """A face in one picture; ``score`` is the detector's own, in 0..1, and no probability."""

    box: Box
    points: Points
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Detected:
    """A frame and the faces that were found in it."""

    frame: Frame
    faces: Sequence[DetectedFace]


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFace:
    """A face, and which one it is among the faces of this camera."""

    track: TrackId
    found: DetectedFace


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """The faces of one frame with the tracks they continue by their places, new ones numbered anew.

    ``doubted`` has the tracks that places alone do not prove: they want a look before this frame's
    ids are settled.
    """

    faces: Sequence[TrackedFace]
    doubted: Collection[TrackId]


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """What a face looks like, and how far that can be relied on.

    ``quality`` is in 0..1: that of the picture of the face (``pipeline.quality.quality_of``), not
    a probability.
    """

    vector: Vector
    quality: float


class Flaw(StrEnum):
    """Why a face is not embedded, or not compared."""

    TOO_SMALL = "too small"
    NO_POINTS = "no eyes, nose and mouth to be found"
    NO_VECTOR = "no usable vector"
    NOT_COMPARED = "the gallery is out of reach"


Look: TypeAlias = Probe | Flaw
"""What a close look at a face gave: a probe, or why there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """The faces of one frame with their tracks, and the tracks that ended before it.

    ``looks`` are those of this frame that speak of the tracks they are given to.
    """

    faces: Sequence[TrackedFace]
    ended: Collection[TrackId]
    looks: Mapping[TrackId, Look]


@dataclass(frozen=True, slots=True)
class Hit:
    """A template of the gallery beside a probe."""

    face: FaceId
    person: PersonId
    similarity: float


@dataclass(frozen=True, slots=True)
class Match:
    """A person of the gallery beside a probe; ``similarity`` is what the pack's metric says."""

    person: PersonId
    similarity: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The people nearest to a probe, nearest first, each once; ``quality`` is the probe's."""

    matches: Sequence[Match]
    quality: float


class Status(StrEnum):
    """What is known of a track."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    PENDING = "pending"
    """No face of it was good enough to be judged yet."""
    IGNORED = "ignored"
    """This face is too small to be judged, and the track has no verdict from a better one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence of a track says.

    ``person`` is set when, and only when, the status is known. ``similarity`` is that of the
    nearest person of the gallery, whoever it is; None where nothing was compared.
    """

    status: Status
    person: PersonId | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedFace:
    """A face of a frame with its track's verdict."""

    face: TrackedFace
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame by its numbers, without its picture."""

    seq: int
    media_time: int
    captured_at: float


@dataclass(frozen=True, slots=True)
class Revision:
    """Later evidence took a name back: from ``since`` on the track's faces were not ``was``.

    ``verdict`` is what the evidence says now.
    """

    track: TrackId
    was: PersonId
    verdict: Verdict
    since: Moment


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What was seen in one frame; the frame's own numbers, without its picture.

    ``revisions`` correct what was said of the same tracks before.
    """

    camera: CameraId
    seq: int
    media_time: int
    captured_at: float
    rtp_timestamp: int | None
    width: int
    height: int
    faces: Sequence[IdentifiedFace]
    revisions: Sequence[Revision] = ()


@dataclass(frozen=True, slots=True, eq=False)
class EnrolledFace:
    """A template of the gallery."""

    face: FaceId
    person: PersonId
    vector: Vector
