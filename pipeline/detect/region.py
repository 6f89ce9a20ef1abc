"""Faces are looked for in a part of the picture only."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from pipeline.messages import Box, DetectedFace, Image
from pipeline.stages import Detector

WHOLE = Box(0, 0, 1, 1)
"""The region that is all of the picture; a region's box is in parts of width and height."""


class WithinRegion:
    """A detector that is shown the region alone: what is outside is never looked at.

    What it sees is smaller, so it costs less, and is reduced less, so that smaller faces are found.
    A face on the region's edge is found as far as what is seen of it goes.

    Args:
        detector: looks at the region.
        region: says which it is now.
    """

    def __init__(self, detector: Detector, region: Callable[[], Box]) -> None:
        self._detector = detector
        self._region = region

    def detect(self, image: Image) -> Sequence[DetectedFace]:
        """The faces in the region, in the pixels of the whole ``image``."""
        region = self._region()
        if region == WHOLE:
            return self._detector.detect(image)
        height, width = image.shape[:2]
        left, right = _pixels(region.x, region.width, width)
        top, bottom = _pixels(region.y, region.height, height)
        seen = np.ascontiguousarray(image[top:bottom, left:right])
        return [_moved(face, left, top) for face in self._detector.detect(seen)]


def _pixels(begin: float, length: float, size: int) -> tuple[int, int]:
    """The pixels that a part of a side touches: the first, and the one after the last."""
    first = min(math.floor(begin * size), size - 1)
    return first, max(first + 1, min(math.ceil((begin + length) * size - 1e-6), size))


def _moved(face: DetectedFace, left: int, top: int) -> DetectedFace:
    box = replace(face.box, x=face.box.x + left, y=face.box.y + top)
    return DetectedFace(box, (face.points + np.array([left, top])).astype(np.float32), face.score)
