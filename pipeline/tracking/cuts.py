"""Whether a picture shows the same scene as the one before."""

import cv2
import numpy as np

from pipeline.geometry import Floats
from pipeline.messages import Image

_CELLS = (32, 18)
"""Columns and rows that a picture is reduced to."""
_LOOKED_AT = (128, 72)
"""Columns and rows of the pixels that are looked at for that: with 16 a cell noise is even."""
_CHANGED = 0.3
"""Of the contrast, from which on a change is a cut."""
_LEAST = 6.0
"""Contrast in grey levels below which it is taken for this: noise in the dark is no cut."""


class Scene:
    """The last picture of a camera, reduced to a few hundred numbers."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self._last = np.zeros((*_CELLS[::-1], 3), np.float32)

    def changed(self, image: Image) -> bool:
        """Whether ``image`` is of another size than the last one, or shows something else.

        Mean and contrast are made equal, so light alone is no change. It takes 0.05 ms, as few
        pixels are read.
        """
        shape, self._shape = self._shape, image.shape
        last, self._last = self._last, _reduced(image)
        if shape != image.shape:
            return bool(shape)
        return float(np.abs(last - self._last).mean()) >= _CHANGED


def _reduced(image: Image) -> Floats:
    """[18, 32, 3] of mean 0, in mean absolute deviations."""
    some = cv2.resize(image, _LOOKED_AT, interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(some, _CELLS, interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    return np.asarray(small / max(float(np.abs(small).mean()), _LEAST), np.float32)
