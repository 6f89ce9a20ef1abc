"""Boxes, points and similarity transforms: numpy and plain numbers.

Rows of boxes are float32 [n, 4] as left, top, right, bottom in pixels.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.messages import Box, Points

Floats: TypeAlias = NDArray[np.float32]
Corners: TypeAlias = tuple[float, float, float, float]
"""One box: left, top, right, bottom in pixels."""
Transform: TypeAlias = NDArray[np.float64]
"""[2, 3]: maps a point (x, y, 1) to (x', y')."""


def box_of(corners: Iterable[float]) -> Box:
    """Left, top, right, bottom as a Box."""
    left, top, right, bottom = (float(value) for value in corners)
    return Box(left, top, right - left, bottom - top)


def corners_of(box: Box) -> Corners:
    """A Box as left, top, right, bottom."""
    return box.x, box.y, box.x + box.width, box.y + box.height


def overlap(one: Corners, other: Corners) -> float:
    """What two boxes share, as a part of their union, in 0..1.

    In plain numbers: for the few faces of a frame that is quicker than arrays.
    """
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / max(_area(one) + _area(other) - shared, 1e-9)


def _area(box: Corners) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def eye_distance(points: Points) -> float:
    """Pixels between the eye centres, the measure of a face's size (ISO/IEC 19794-5)."""
    return float(np.hypot(*(points[1] - points[0])))


def areas(boxes: Floats) -> Floats:
    """The area of each box, 0 where it is inside out."""
    sides = np.clip(boxes[..., 2:] - boxes[..., :2], 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1], np.float32)


def overlaps(one: Floats, others: Floats, over: Literal["union", "smaller"] = "union") -> Floats:
    """What boxes share, as a part of their union or of the smaller one, in 0..1.

    ``one`` is [4] or [n, 1, 4], ``others`` [m, 4]; the answer is [m] or [n, m].
    """
    least, most = (
        np.maximum(one[..., :2], others[..., :2]),
        np.minimum(one[..., 2:], others[..., 2:]),
    )
    shared = areas(np.concatenate([least, most], axis=-1))
    if over == "union":
        whole = areas(one) + areas(others) - shared
    else:
        whole = np.minimum(areas(one), areas(others))
    return np.asarray(shared / np.maximum(whole, 1e-9), np.float32)


def suppress(
    boxes: Floats, scores: Floats, limit: float, over: Literal["union", "smaller"] = "union"
) -> NDArray[np.intp]:
    """Non-maximum suppression: the rows to keep, best score first.

    A box goes when it overlaps a better one by more than ``limit``.
    """
    order = np.argsort(-scores, kind="stable")
    kept: list[np.intp] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[overlaps(boxes[best], boxes[rest], over) <= limit]
    return np.array(kept, np.intp)


def similarity_transform(source: Points, target: Points) -> Transform:
    """The rotation, uniform scale and shift that brings ``source`` nearest to ``target``.

    Least squares over all points, without reflection (Umeyama, IEEE PAMI 13(4), 1991). In a plane,
    with points as complex numbers, it is ordinary least squares for one complex factor.
    """
    pairs = [
        (complex(*here), complex(*there))
        for here, there in zip(source.tolist(), target.tolist(), strict=True)
    ]
    centre = sum(here for here, _ in pairs) / len(pairs)
    wanted = sum(there for _, there in pairs) / len(pairs)
    spread = sum(abs(here - centre) ** 2 for here, _ in pairs)
    turn = sum((here - centre).conjugate() * (there - wanted) for here, there in pairs)
    turn /= max(spread, 1e-12)
    shift = wanted - turn * centre
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def scale_of(transform: Transform) -> float:
    """By how much a similarity transform enlarges."""
    return float(np.hypot(transform[0, 0], transform[1, 0]))
