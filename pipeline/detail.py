"""A face of the analysed picture in a larger picture of the same moment."""

from typing import TypeAlias

import numpy as np

from pipeline.messages import Box, DetectedFace, Image

_MOST_DIFFERENT = 0.03
"""Part by which two pictures' proportions may differ: coders want sides that are multiples of 16
(640x352 for 16:9). More is another view, or a part of it, and is not used: where a face would be
there cannot be known."""


Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""


def size_of(image: Image) -> Size:
    """Of an image."""
    height, width = image.shape[:2]
    return width, height


def is_same_view(size: Size, larger: Size) -> bool:
    """Whether a picture of the size ``larger`` has more pixels, in the same proportions."""
    across, down = _growth(size, larger)
    return across > 1 and abs(across / down - 1) <= _MOST_DIFFERENT


def enlarged(face: DetectedFace, image: Image, larger: Image) -> DetectedFace:
    """``face`` of ``image`` in the pixels of ``larger``.

    (0, 0) is the top left pixel's corner in boxes, and so in points here.
    """
    across, down = _growth(size_of(image), size_of(larger))
    box = face.box
    grown = Box(box.x * across, box.y * down, box.width * across, box.height * down)
    points = (face.points * (across, down)).astype(np.float32)
    return DetectedFace(grown, points, face.score)


def _growth(size: Size, larger: Size) -> tuple[float, float]:
    return larger[0] / size[0], larger[1] / size[1]
