"""Masked parts of a camera's pictures: black before anything or anybody sees them."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ingest.options import Masks, Polygon
from pipeline.messages import Image

_SHOWN = 255


class Masking:
    """The masks of one camera, which may change while its pictures flow; for any thread.

    Whoever asks is given what holds at that moment.
    """

    def __init__(self, masks: Masks = ()) -> None:
        self._now = _Stencil(masks)

    @property
    def masks(self) -> Masks:
        """They, as fractions of the picture."""
        return self._now.masks

    def change(self, masks: Masks) -> None:
        """From now on these."""
        self._now = _Stencil(masks)

    def black_out(self, image: Image) -> Image:
        """``image``, in which every pixel that a mask touches is black now; it is changed."""
        now = self._now
        if now.masks:
            np.bitwise_and(image, now.of(image.shape[0], image.shape[1]), out=image)
        return image


class _Stencil:
    """Masks as an image to be joined by AND: 0 where there is one; kept for one size."""

    def __init__(self, masks: Masks) -> None:
        self.masks = masks
        self._kept: Image = np.empty((0, 0, 3), np.uint8)

    def of(self, height: int, width: int) -> Image:
        kept = self._kept
        if kept.shape[:2] != (height, width):
            hidden = np.zeros((height, width), np.bool_)
            for mask in self.masks:
                hidden |= touched(mask, height, width)
            kept = np.repeat(np.where(hidden, 0, _SHOWN).astype(np.uint8)[..., None], 3, axis=2)
            self._kept = kept
        return kept


def touched(polygon: Polygon, height: int, width: int) -> NDArray[np.bool_]:
    """The pixels [height, width] of which any part lies in a polygon or on its edge.

    What an edge goes around is inside, in whichever direction (the nonzero winding rule): one that
    crosses itself leaves no hole.
    """
    corners = [(x * width, y * height) for x, y in polygon]
    windings, spans = np.zeros((2, height, width + 1), np.int8)  # of 64 edges at the most
    for (x0, y0), (x1, y1) in pairwise([*corners, corners[0]]):
        _wind(windings, x0, y0, x1, y1)
        _trace(spans, x0, y0, x1, y1)
    inside = np.cumsum(windings, axis=1, dtype=np.int8) != 0
    crossed = np.cumsum(spans, axis=1, dtype=np.int8) > 0
    return np.asarray((inside | crossed)[:, :width])


def _wind(windings: NDArray[np.int8], x0: float, y0: float, x1: float, y1: float) -> None:
    """Count an edge where it crosses the middles of rows: right of it is one winding more."""
    if y0 == y1:
        return
    direction = 1 if y1 > y0 else -1
    (x0, y0), (x1, y1) = sorted([(x0, y0), (x1, y1)], key=lambda corner: corner[1])
    rows = np.arange(math.ceil(y0 - 0.5), math.ceil(y1 - 0.5))
    crossings = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
    columns = np.clip(np.ceil(crossings - 0.5), 0, windings.shape[1] - 1).astype(np.intp)
    np.add.at(windings, (rows, columns), direction)


def _trace(spans: NDArray[np.int8], x0: float, y0: float, x1: float, y1: float) -> None:
    """Mark the pixels that an edge goes through: +1 where it enters a row, -1 after it."""
    height, width = spans.shape[0], spans.shape[1] - 1
    (x0, y0), (x1, y1) = sorted([(x0, y0), (x1, y1)], key=lambda corner: corner[1])
    rows = np.arange(min(math.floor(y0), height - 1), min(math.floor(y1), height - 1) + 1)
    ends = [_at(np.clip(rows + one, y0, y1), x0, y0, x1, y1) for one in (0, 1)]
    if y0 == y1:
        ends = [np.array([x0]), np.array([x1])]
    first, last = (np.floor(side).astype(np.intp) for side in _sides(ends))
    np.add.at(spans, (rows, np.clip(first, 0, width - 1)), 1)
    np.add.at(spans, (rows, np.clip(last, 0, width - 1) + 1), -1)


def _at(y: NDArray[np.float64], x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float64]:
    """Where an edge is at these heights."""
    return x0 + (y - y0) * ((x1 - x0) / (y1 - y0) if y1 > y0 else 0.0)


def _sides(ends: Sequence[NDArray[np.float64]]) -> Sequence[NDArray[np.float64]]:
    return [np.minimum(*ends), np.maximum(*ends)]
