"""A picture with boxes in it, for whoever cannot lay them over it."""

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.jpeg import jpeg
from pipeline.messages import Box

Colour = tuple[int, int, int]
"""Blue, green, red."""
_PART = 0.004
"""Of the picture's longer side: how thick a line is."""


def marked(picture: bytes, boxes: Sequence[tuple[Box, Colour]], quality: int) -> bytes:
    """``picture``, a JPEG, with these boxes drawn, as a JPEG of this quality. Blocks."""
    image = np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    thickness = max(1, round(_PART * max(image.shape)))
    for box, colour in boxes:
        corner = round(box.x), round(box.y)
        opposite = round(box.x + box.width), round(box.y + box.height)
        cv2.rectangle(image, corner, opposite, colour, thickness)
    return jpeg(image, quality)
