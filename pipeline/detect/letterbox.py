"""A picture of any shape brought to a size that a detector takes."""

from collections.abc import Sequence

import numpy as np

from pipeline.geometry import Transform
from pipeline.messages import Image
from pipeline.views import View

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

    def view(self, image: Image) -> View:
        """What a network is shown of ``image``: all of it, as OpenCV's resize reduces it."""
        scale, (height, width) = self.scale(image), image.shape[:2]
        wide, tall = max(1, round(width * scale)), max(1, round(height * scale))
        grow_x, grow_y = wide / width, tall / height
        centred = [[grow_x, 0, (grow_x - 1) / 2], [0, grow_y, (grow_y - 1) / 2]]
        return View(np.array(centred), (wide, tall), self._canvas(wide, tall), whole=True)

    def part(self, transform: Transform, side: int) -> View:
        """What it is shown of a picture by ``transform``: a square of ``side`` pixels."""
        return View(transform, (side, side), self._canvas(side, side))

    def _canvas(self, wide: int, tall: int) -> tuple[int, int]:
        """Width and height of what the network takes."""
        if self._fixed:
            return self._fixed[1], self._fixed[0]
        return wide + -wide % _PIXELS, tall + -tall % _PIXELS
