"""The questions the pipeline asks, one narrow Protocol each.

``Detector``, ``PointFinder``, ``Embedder`` and what they ask compute: they block, are safe to call
from several threads at once, and run in a lane (``pipeline.inference.Lanes``), never on the event
loop.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pipeline.geometry import Transform
from pipeline.inference import Tensor
from pipeline.messages import (
    Detected,
    DetectedFace,
    EnrolledFace,
    FaceId,
    Followed,
    Image,
    Look,
    Match,
    Tracked,
    TrackId,
    Vectors,
)
from pipeline.views import View


class PictureNetwork(Protocol):
    """What does a network say of this part of a picture?"""

    input_shape: tuple[int | str | None, ...]
    outputs: Mapping[str, tuple[int | str | None, ...]]

    def show(self, image: Image, view: View, outputs: Sequence[str]) -> Sequence[Tensor]:
        """The named outputs for what ``view`` shows of ``image``, each [1, ...]."""


class Detector(Protocol):
    """Where are faces?"""

    def detect(self, image: Image) -> Sequence[DetectedFace]:
        """The faces in ``image``, in its pixels, best score first."""


class CloseDetector(Protocol):
    """Where are faces in this square of a picture?"""

    def detect_in(self, image: Image, into: Transform, side: int) -> Sequence[DetectedFace]:
        """The faces in the square of ``side`` pixels that ``into`` maps ``image`` to, in these."""


class PointFinder(Protocol):
    """Where exactly are the five points of this face?"""

    def find(self, image: Image, face: DetectedFace) -> DetectedFace | None:
        """``face`` with its points found anew at full resolution; None if it is no face there."""


class Embedder(Protocol):
    """What does this face look like?"""

    def embed(self, chips: Sequence[Image]) -> Vectors:
        """One unit vector for each aligned chip, [n, dimension]."""


class Tracker(Protocol):
    """Which face is which, from frame to frame?"""

    def follow(self, detected: Detected) -> Followed:
        """Which tracks the faces of the next frame continue, as far as their places tell."""

    def settle(self, followed: Followed, looks: Mapping[TrackId, Look]) -> Tracked:
        """The ids of that frame's faces, by what looks at some of them gave."""


class Gallery(Protocol):
    """Whom does this face resemble?"""

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector its nearest people, nearest first, each person once."""


class Enrolled(Protocol):
    """The gallery's own keeping: templates come and go."""

    async def add(self, faces: Sequence[EnrolledFace]) -> None:
        """Make these templates searchable; a face id that is there already is replaced."""

    async def remove(self, faces: Sequence[FaceId]) -> None:
        """Forget these templates; an unknown id is no error."""
