"""Is this face worth embedding, and how far can what it looks like be relied on?"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import eye_distance
from pipeline.messages import DetectedFace, Image, Points

Grey = NDArray[np.uint8]

_EYES_TO_WIDTH = 0.5
"""The eyes are never further apart than this part of a face's box is wide."""

_PIXELS = 35.0
"""Between the eyes, where a picture has 63 % of what counts of its size."""
_NOSE = 0.75
"""Length of a nose out of the plane of eyes and mouth, in eye distances, and a little more: points
of a turned head are rough."""
_NOSE_HEIGHT = 0.55
"""Of the way from the eyes down to the mouth, where the nose tip lies in a frontal face."""
_EDGE = 5
"""A chip's face is judged without the outer fifth on each side: hair and background."""
_FILTER = 25.0
"""A chip's side is this many times that of the mean filter that takes sharpness away."""
_SOFT = 0.04
"""What the filter takes, as a part of the contrast, of a face half sharp."""
_BLACK, _WHITE = 25, 247
"""Grey beyond these is under- and over-exposed (ISO/IEC 29794-5)."""


def too_small(face: DetectedFace, least_eye_distance: float) -> bool:
    """Whether a face whose points are exact is too small to be told from others."""
    return eye_distance(face.points) < least_eye_distance


def surely_too_small(face: DetectedFace, least_eye_distance: float) -> bool:
    """The same by the box alone, for a face whose points are rough."""
    return face.box.width * _EYES_TO_WIDTH < least_eye_distance


def quality_of(face: DetectedFace, chip: Image) -> float:
    """How far what ``face`` looks like can be relied on, in 0..1.

    The product of five parts, named as in ISO/IEC 29794-5 where it has them: inter-eye distance,
    sharpness, head pose, exposure, and the detector's score. On the clips it orders the
    similarities of one person's faces (``ARCHITECTURE.md`` has the figures).

    Args:
        face: with exact points, in the picture's pixels.
        chip: the same face aligned.
    """
    height, width = chip.shape[:2]
    rows, columns = height // _EDGE, width // _EDGE
    middle = chip[rows:-rows, columns:-columns]
    grey = np.asarray(cv2.cvtColor(middle, cv2.COLOR_BGR2GRAY), np.uint8)
    return glance(face) * _sharpness(grey, width) * _exposure(grey)


def glance(face: DetectedFace) -> float:
    """The parts of the quality, in 0..1, that points and score tell, without a look at pixels."""
    return _size(face.points) * _pose(face.points) * min(max(face.score, 0.0), 1.0)


def _size(points: Points) -> float:
    """Inter-eye distance: at 24 pixels half of what counts is there, at 80 nine tenths."""
    return max(0.0, 1 - math.exp(-eye_distance(points) / _PIXELS))  # 0 where there is no number


def _pose(points: Points) -> float:
    """Head pose: cosine squares of yaw and pitch, by where the nose tip lies; roll is aligned away.

    The nose tip stands out of the plane of eyes and mouth. Seen at an angle of yaw it leaves the
    line through their middles by its length times the sine.
    """
    left, right, nose, *mouth = (complex(x, y) for x, y in points.tolist())
    eyes, lips = (left + right) / 2, sum(mouth) / 2
    across = right - left
    if across == 0:
        return 0.0
    nose, lips = (nose - eyes) / across, (lips - eyes) / across
    if lips.imag <= 0:
        return 0.0
    down = nose.imag / lips.imag
    yaw = (nose.real - lips.real * down) / _NOSE
    pitch = (down - _NOSE_HEIGHT) / _NOSE
    return max(0.0, 1 - yaw * yaw) * max(0.0, 1 - pitch * pitch)


def _sharpness(grey: Grey, width: int) -> float:
    """What a mean filter takes away, as a part of the contrast; ``width`` is the whole chip's."""
    side = max(3, round(width / _FILTER))
    lost = cv2.absdiff(grey, cv2.blur(grey, (side, side))).mean()
    part = float(lost) / max(float(grey.std()), 1.0)
    return part / (part + _SOFT)


def _exposure(grey: Grey) -> float:
    """Under- and over-exposure prevention: the part of pixels that is neither black nor white."""
    return float(((grey > _BLACK) & (grey < _WHITE)).mean())
