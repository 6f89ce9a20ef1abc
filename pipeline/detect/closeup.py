"""The five points of a face, found again in a close look at full resolution."""

from collections.abc import Sequence

import numpy as np

from pipeline.geometry import Transform, corners_of, overlap, scale_of
from pipeline.messages import Box, DetectedFace, Image
from pipeline.stages import CloseDetector, Detector
from pipeline.warp import square_around, warp

_LEAST_OVERLAP = 0.3
"""Intersection over union with the box looked for: less is another face, or none."""


class CloseUp:
    """Runs a detector on the face's own square of the picture.

    A detector that works on a reduced picture finds every face, but on tilted heads its points
    are off by up to half an eye distance, and nobody is recognized by them (measured on clips:
    9 % of the frames instead of all).

    Args:
        detector: finds faces and points in a small picture.
        margin: side of the square, in longer sides of the face's box.
        side: pixels the square is scaled to; the face must fill more than half of it.
    """

    def __init__(self, detector: CloseDetector, *, margin: float, side: int) -> None:
        self._detector = detector
        self._margin = margin
        self._side = side

    def find(self, image: Image, face: DetectedFace) -> DetectedFace | None:
        """``face`` as the close look shows it, with its first score; None if it is not there."""
        into = square_around(face.box, self._margin, self._side)
        seen = self._detector.detect_in(image, into, self._side)
        found = [_back(near, into, face.score) for near in seen]
        box = corners_of(face.box)
        best = max(found, key=lambda near: overlap(box, corners_of(near.box)), default=None)
        if best is None or overlap(box, corners_of(best.box)) < _LEAST_OVERLAP:
            return None
        return best


class Squares:
    """Any detector as one that looks at squares: of a picture that is cut out for it."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def detect_in(self, image: Image, into: Transform, side: int) -> Sequence[DetectedFace]:
        """The faces in the square that ``into`` maps ``image`` to, in its pixels."""
        return self._detector.detect(warp(image, into, (side, side)))


class AsDetected:
    """The points as they are, for a detector that looks at full resolution itself."""

    def find(self, image: Image, face: DetectedFace) -> DetectedFace | None:  # noqa: ARG002 - the Protocol's
        """``face`` unchanged."""
        return face


def _back(near: DetectedFace, into: Transform, score: float) -> DetectedFace:
    """A face of the square in the pixels of the whole picture."""
    grow, shift = scale_of(into), into[:, 2]
    left, top = (np.array([near.box.x, near.box.y]) - shift) / grow
    box = Box(float(left), float(top), near.box.width / grow, near.box.height / grow)
    return DetectedFace(box, ((near.points - shift) / grow).astype(np.float32), score)
