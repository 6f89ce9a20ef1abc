"""MTCNN: three networks, each looking closer.

Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks,
IEEE Signal Processing Letters 23(10), 2016.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import Floats, box_of, suppress
from pipeline.inference import Runnable, Tensor
from pipeline.messages import Box, DetectedFace, Image
from pipeline.warp import square_around, warp

_FIELD = 12
"""Pixels of a face that P-Net sees at one place; it looks at every second pixel."""
_STEP = 0.709
"""From one size of the picture to the next: 1/sqrt(2), half the area."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """Proposal, refinement and output network; input [n, 3, height, width], RGB, 0..255."""

    proposal: Runnable
    refinement: Runnable
    output: Runnable


class Mtcnn:
    """Finds faces from ``least_face`` pixels on.

    Only the first network sees a reduced picture; boxes and points come from crops of the full
    one, so its points need no second look.

    Args:
        networks: the three networks.
        least_face: longer side of the smallest face to be found, in pixels.
        least_scores: of the three networks, 0..1.
    """

    def __init__(
        self, networks: Cascade, *, least_face: int, least_scores: tuple[float, float, float]
    ) -> None:
        self._networks = networks
        self._least_face = least_face
        self._least_scores = least_scores

    def detect(self, image: Image) -> Sequence[DetectedFace]:
        """The faces in ``image``, best score first."""
        rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
        boxes = self._proposed(rgb)
        boxes = self._refined(rgb, boxes)
        return self._faces(rgb, boxes)

    def _proposed(self, rgb: Image) -> Floats:
        parts = [self._proposed_at(*level) for level in self._pyramid(rgb)]
        rows = np.concatenate([*parts, np.zeros((0, 5), np.float32)])
        return rows[suppress(rows[:, :4], rows[:, 4], 0.7), :4]

    def _pyramid(self, rgb: Image) -> Iterator[tuple[Image, float]]:
        """The picture smaller and smaller, each made from the one before, and each one's scale."""
        scale, (height, width) = _FIELD / self._least_face, rgb.shape[:2]
        level = rgb
        while min(height, width) * scale >= _FIELD:
            level = _resized(level, (math.ceil(width * scale), math.ceil(height * scale)))
            yield level, scale
            scale *= _STEP

    def _proposed_at(self, level: Image, scale: float) -> Floats:
        """Rows left, top, right, bottom, score of what may be faces of one size."""
        tensor = _tensor([level])
        shifts, scores = self._networks.proposal.run(tensor, ("bbox", "prob"))
        rows, columns = np.nonzero(scores[0, 0] >= self._least_scores[0])
        corners = np.stack([columns * 2, rows * 2, columns * 2 + _FIELD, rows * 2 + _FIELD], axis=1)
        boxes = (corners + shifts[0][:, rows, columns].T * _FIELD) / scale
        found = np.hstack([boxes, scores[0, 0, rows, columns][:, None]]).astype(np.float32)
        return found[suppress(found[:, :4], found[:, 4], 0.5)]

    def _refined(self, rgb: Image, boxes: Floats) -> Floats:
        if not len(boxes):
            return boxes
        squares = [_box(row) for row in boxes]
        shifts, scores = self._networks.refinement.run(_crops(rgb, squares, 24), ("bbox", "prob"))
        good = np.flatnonzero(scores[:, 0] >= self._least_scores[1])
        moved = _moved(squares, shifts, good)
        return moved[suppress(moved, scores[good, 0], 0.7)]

    def _faces(self, rgb: Image, boxes: Floats) -> Sequence[DetectedFace]:
        if not len(boxes):
            return []
        squares = [_box(row) for row in boxes]
        shifts, places, scores = self._networks.output.run(
            _crops(rgb, squares, 48), ("bbox", "landmarks", "prob")
        )
        good = np.flatnonzero(scores[:, 0] >= self._least_scores[2])
        moved = _moved(squares, shifts, good)
        kept = suppress(moved, scores[good, 0], 0.7, over="smaller")
        return [
            DetectedFace(
                box_of(moved[row]),
                _points(squares[good[row]], places[good[row]]),
                float(scores[good[row], 0]),
            )
            for row in kept
        ]


def _resized(image: Image, size: tuple[int, int]) -> Image:
    grow_x, grow_y = size[0] / image.shape[1], size[1] / image.shape[0]
    centred = [[grow_x, 0, (grow_x - 1) / 2], [0, grow_y, (grow_y - 1) / 2]]
    return warp(image, np.array(centred), size)


def _box(corners: Floats) -> Box:
    """The square around a box's centre, as long as its longer side."""
    box = box_of(corners)
    side = max(box.width, box.height, 1.0)
    return Box(box.x + (box.width - side) / 2, box.y + (box.height - side) / 2, side, side)


def _crops(rgb: Image, squares: Sequence[Box], side: int) -> Tensor:
    return _tensor([warp(rgb, square_around(box, 1.0, side), (side, side)) for box in squares])


def _tensor(pictures: Sequence[Image]) -> Tensor:
    """[n, 3, height, width], RGB, 0..255."""
    return np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32)


def _moved(squares: Sequence[Box], shifts: Tensor, rows: NDArray[np.intp]) -> Floats:
    """The squares at ``rows``, each corner moved by its shift, which is in sides."""
    moved = [
        np.array([box.x, box.y, box.x + box.width, box.y + box.height]) + shifts[row] * box.width
        for row in rows
        for box in [squares[row]]
    ]
    return np.array(moved, np.float32).reshape(-1, 4)


def _points(square: Box, places: Floats) -> Floats:
    """Five points [5, 2] from five x and five y in sides of the square."""
    corner = np.array([square.x, square.y])
    return np.asarray(corner + places.reshape(2, 5).T * square.width, np.float32)
