"""What masks hide, whatever the size of the picture."""

from itertools import pairwise

import numpy as np
import pytest

from ingest.masking import Masking, touched
from ingest.options import Polygon

SIDE = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
_PART = 8
"""Points that are looked at in a pixel, in each direction."""


def winding(polygon: Polygon, height: int, width: int) -> np.ndarray:
    """How often a polygon goes around points, [height * _PART, width * _PART] of them."""
    y, x = ((np.arange(side * _PART) + 0.5) / (side * _PART) for side in (height, width))
    x, y = np.meshgrid(x, y)
    total = np.zeros(x.shape, int)
    for (x0, y0), (x1, y1) in pairwise([*polygon, polygon[0]]):
        side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)
        total += (y0 <= y) & (y1 > y) & (side > 0)
        total -= (y0 > y) & (y1 <= y) & (side < 0)
    return total


def from_edges(polygon: Polygon, height: int, width: int) -> np.ndarray:
    """How far the middle of each pixel is from the nearest edge, in pixels."""
    y, x = np.mgrid[:height, :width] + 0.5
    nearest = np.full(x.shape, np.inf)
    for (x0, y0), (x1, y1) in pairwise([*polygon, polygon[0]]):
        dx, dy = (x1 - x0) * width, (y1 - y0) * height
        along = ((x - x0 * width) * dx + (y - y0 * height) * dy) / (dx * dx + dy * dy)
        along = np.clip(along, 0, 1)
        away = np.hypot(x - x0 * width - along * dx, y - y0 * height - along * dy)
        nearest = np.minimum(nearest, away)
    return nearest


@pytest.mark.parametrize("corners", [3, 4, 5, 9])
def test_every_pixel_that_a_polygon_touches_is_hidden_and_none_beside(corners: int) -> None:
    chance = np.random.default_rng(corners)
    for _ in range(25):
        height, width = chance.integers(1, 40, 2)
        polygon = tuple((float(x), float(y)) for x, y in chance.random((corners, 2)))
        hidden = touched(polygon, height, width)
        inside = winding(polygon, height, width) != 0
        cells = inside.reshape(height, _PART, width, _PART).any(axis=(1, 3))
        assert hidden.shape == cells.shape
        assert hidden[cells].all()
        assert not (hidden & ~cells & (from_edges(polygon, height, width) > 0.75)).any()


def test_a_polygon_that_crosses_itself_has_no_hole() -> None:
    turns = 2 * np.pi * 2 * np.arange(5) / 5
    star = tuple((float(0.5 + 0.5 * np.cos(t)), float(0.5 + 0.5 * np.sin(t))) for t in turns)
    assert touched(star, 40, 40)[15:25, 15:25].all()


@pytest.mark.parametrize(
    "polygon",
    [
        ((0.3, 0.55), (0.7, 0.55), (0.3, 0.55)),
        ((0.55, 0.3), (0.55, 0.7), (0.55, 0.3)),
        ((0.55, 0.55),) * 3,
        ((1.0, 1.0),) * 3,
    ],
)
def test_a_polygon_without_an_area_hides_what_it_touches(polygon: Polygon) -> None:
    assert 1 <= touched(polygon, 10, 10).sum() <= 5


def test_the_whole_picture_is_hidden_to_its_edges() -> None:
    assert touched(((0, 0), (1, 0), (1, 1), (0, 1)), 7, 5).all()
    assert touched(((0, 0), (0, 1), (1, 1), (1, 0)), 7, 5).all()


def test_masks_are_where_they_are_at_every_size_and_change_at_once() -> None:
    masking = Masking((SIDE,))
    for height, width in [(4, 6), (48, 64), (4, 6)]:
        image = masking.black_out(np.full((height, width, 3), 200, np.uint8))
        assert (image[:, : width // 2] == 0).all()
        assert (image[:, width // 2 + 1 :] == 200).all()
    masking.change(())
    assert (masking.black_out(np.full((4, 6, 3), 200, np.uint8)) == 200).all()
    masking.change((SIDE, ((0.9, 0.9), (1, 0.9), (1, 1))))
    image = masking.black_out(np.full((20, 20, 3), 200, np.uint8))
    assert (image[:, :10] == 0).all()
    assert (image[19, 19] == 0).all()
    assert (image[0, 12:] == 200).all()
