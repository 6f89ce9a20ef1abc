"""Is this face worth embedding?"""

from enum import StrEnum

from pipeline.geometry import eye_distance
from pipeline.messages import DetectedFace

_EYES_TO_WIDTH = 0.5
"""The eyes are never further apart than this part of a face's box is wide."""


class Flaw(StrEnum):
    """Why a face is not embedded."""

    TOO_SMALL = "too small"
    NO_POINTS = "no eyes, nose and mouth to be found"
    NO_VECTOR = "no usable vector"
    NOT_COMPARED = "the gallery is out of reach"


def too_small(face: DetectedFace, least_eye_distance: float) -> bool:
    """Whether a face whose points are exact is too small to be told from others."""
    return eye_distance(face.points) < least_eye_distance


def surely_too_small(face: DetectedFace, least_eye_distance: float) -> bool:
    """The same by the box alone, for a face whose points are rough."""
    return face.box.width * _EYES_TO_WIDTH < least_eye_distance
