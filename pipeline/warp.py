"""A part of a picture, turned, scaled and cut out in one step."""

import math

import cv2
import numpy as np

from pipeline.geometry import Transform, scale_of
from pipeline.messages import Box, Image


def warp(image: Image, transform: Transform, size: tuple[int, int]) -> Image:
    """The picture of ``size`` (width, height) that ``transform`` maps ``image`` into.

    What lies outside of ``image`` is black. Where it shrinks to less than half, the part is
    first shrunk by area: linear sampling alone would skip pixels and alias.
    """
    source, transform = _shrunk(image, transform, size)
    return np.asarray(cv2.warpAffine(source, transform, size, flags=cv2.INTER_LINEAR), np.uint8)


def square_around(box: Box, margin: float, side: int) -> Transform:
    """What brings the square around ``box``, ``margin`` times its longer side, to ``side`` px."""
    grow = side / (margin * max(box.width, box.height, 1.0))
    centre = np.array([box.x + box.width / 2, box.y + box.height / 2])
    shift = side / 2 - 0.5 - grow * (centre - 0.5)
    return np.array([[grow, 0, shift[0]], [0, grow, shift[1]]])


def _shrunk(image: Image, transform: Transform, size: tuple[int, int]) -> tuple[Image, Transform]:
    """The part of ``image`` that is seen, shrunk if need be, and the transform from there."""
    shrink = int(1 / max(scale_of(transform), 1e-3))
    left, top, right, bottom = _seen(transform, size, image.shape)
    if shrink < 2 or min(right - left, bottom - top) < shrink:  # noqa: PLR2004 - see ``warp``
        return image, transform
    part = image[top:bottom, left:right]
    wanted = ((right - left) // shrink, (bottom - top) // shrink)
    smaller = np.asarray(cv2.resize(part, wanted, interpolation=cv2.INTER_AREA), np.uint8)
    return smaller, _from_part(transform, (left, top), part.shape, wanted)


def _seen(
    transform: Transform, size: tuple[int, int], shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is seen of an image of ``shape``."""
    width, height = size
    (a, b, x), (c, d, y) = cv2.invertAffineTransform(transform).tolist()
    left, right = _reach(a * width, b * height, x, shape[1])
    top, bottom = _reach(c * width, d * height, y, shape[0])
    return left, top, right, bottom


def _reach(along: float, across: float, start: float, most: int) -> tuple[int, int]:
    """From where to where a parallelogram reaches on one axis, two pixels more, in 0..most."""
    ends = (start, start + along, start + across, start + along + across)
    least, last = math.floor(min(ends)) - 2, math.ceil(max(ends)) + 2
    return min(max(least, 0), most), min(max(last, 0), most)


def _from_part(
    transform: Transform, corner: tuple[int, int], shape: tuple[int, ...], size: tuple[int, int]
) -> Transform:
    """``transform`` as seen from a part of the image that starts at ``corner`` and was resized.

    Pixel centres lie at whole numbers, so resizing by ``grow`` shifts them by (grow - 1) / 2.
    """
    grow = np.array([shape[1] / size[0], shape[0] / size[1]])
    linear = transform[:, :2] * grow
    shift = transform[:, :2] @ (np.array(corner) + (grow - 1) / 2) + transform[:, 2]
    return np.hstack([linear, shift[:, None]])
