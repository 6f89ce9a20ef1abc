"""A picture of any shape brought to a size that a detector takes."""

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.inference import Tensor
from pipeline.messages import Image

_PIXELS = 32
"""Width and height are whole multiples of the detectors' longest stride."""


class Letterbox:
    """Reduces pictures until they fit, and fills them up with black at the right and below.

    Args:
        shape: of the network's input, [n, channels, height, width]; where height and width are
            numbers, pictures are fitted into them.
        longest_side: pixels of the reduced picture; None for the picture's own size.
    """

    def __init__(self, shape: Sequence[int | str | None], longest_side: int | None = None) -> None:
        height, width = shape[2:]
        self._fixed = (
            (height, width) if isinstance(height, int) and isinstance(width, int) else None
        )
        self._longest_side = longest_side

    def scale(self, image: Image) -> float:
        """By how much ``image`` is reduced; at most 1, as nothing is ever enlarged."""
        height, width = image.shape[:2]
        limits = [1.0]
        if self._longest_side:
            limits.append(self._longest_side / max(height, width))
        if self._fixed:
            limits += [self._fixed[0] / height, self._fixed[1] / width]
        return min(limits)

    def tensor(self, image: Image, *, rgb: bool) -> Tensor:
        """[1, 3, height, width], float32, 0..255, in RGB or else in BGR."""
        scale = self.scale(image)
        if scale < 1:
            size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
        height, width = image.shape[:2]
        tall, wide = self._fixed or (height + -height % _PIXELS, width + -width % _PIXELS)
        tensor = np.zeros((1, 3, tall, wide), np.float32)
        planes = tensor[0, ::-1] if rgb else tensor[0]
        for plane, colour in zip(planes, cv2.split(image), strict=True):
            plane[:height, :width] = colour  # by colours: in half the time of a transposed copy
        return tensor
