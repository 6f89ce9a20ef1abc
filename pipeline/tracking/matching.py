"""Which faces continue which tracks, by where they are."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from pipeline.geometry import Corners, overlap

_NEAR = 0.5
"""Where boxes don't overlap enough: as far as this part of a side, and of like size, will do."""
_FEW = 30
"""Pairs up to which all are looked at one by one."""
_LIKE = 1.5
"""Longest ratio of two sides that are of like size."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Faces and the tracks they continue, by their places in two lists.

    ``unsure`` has the tracks of which it is not plain: two faces overlap one of them, a face
    overlaps it and another one, or its face is only near.
    """

    pairs: Sequence[tuple[int, int]]
    unsure: Collection[int]


def pair(
    boxes: Sequence[Corners], places: Sequence[Corners], least_overlap: float, *, near: bool
) -> Pairing:
    """The likeliest pairs of ``boxes`` and expected ``places``, best first, each once.

    First those that overlap by ``least_overlap`` (intersection over union) and more, then, if
    ``near``, those that are near each other. Best first may differ from the best sum only where
    tracks compete for faces: there they are unsure, and looked at.
    """
    likely = sorted(
        pairing for pairing in _likely(boxes, places, least_overlap) if near or pairing[0] <= -1
    )
    pairs, faces, unsure = list[tuple[int, int]](), set[int](), _crowded(likely)
    tracks = set[int]()
    for score, face, track in likely:
        if face not in faces and track not in tracks:
            pairs.append((face, track))
            faces.add(face)
            tracks.add(track)
            if score > -1:
                unsure.add(track)
    return Pairing(pairs, unsure)


def _likely(
    boxes: Sequence[Corners], places: Sequence[Corners], least_overlap: float
) -> Iterator[tuple[float, int, int]]:
    """Minus the score, face and track of what may belong together."""
    for face, track in _close(boxes, places):
        if (score := _score(boxes[face], places[track], least_overlap)) > 0:
            yield -score, face, track


def _close(boxes: Sequence[Corners], places: Sequence[Corners]) -> Iterable[tuple[int, int]]:
    """The pairs that overlap at all; of few boxes all pairs.

    What is near overlaps, too, unless it is twice as high as wide, or wide as high. Arrays are
    slower for few, and keep a crowd from costing everybody times everybody in plain numbers.
    """
    if len(boxes) * len(places) <= _FEW:
        return product(range(len(boxes)), range(len(places)))
    left, top, right, bottom = np.array(boxes).T[:, :, None]
    begin, above, end, below = np.array(places).T[:, None]
    close = (left < end) & (begin < right) & (top < below) & (above < bottom)
    return zip(*(rows.tolist() for rows in np.nonzero(close)), strict=True)


def _crowded(likely: Sequence[tuple[float, int, int]]) -> set[int]:
    """The tracks that compete for a face, or for which faces compete."""
    overlapping = [(face, track) for score, face, track in likely if score <= -1]
    faces = Counter(face for face, _ in overlapping)
    tracks = Counter(track for _, track in overlapping)
    return {track for face, track in overlapping if faces[face] > 1 or tracks[track] > 1}


def _score(box: Corners, place: Corners, least_overlap: float) -> float:
    """1 and more for overlap, less for being near, 0 for neither."""
    shared = overlap(box, place)
    return 1 + shared if shared >= least_overlap else _nearness(box, place)


def _nearness(one: Corners, other: Corners) -> float:
    """From just under 1 at the same centre down to 0; 0 if sizes differ."""
    less, more = sorted((_side(one), _side(other)))
    if less <= 0 or more > _LIKE * less:
        return 0.0
    across = (one[0] + one[2] - other[0] - other[2]) / 2
    down = (one[1] + one[3] - other[1] - other[3]) / 2
    return 0.99 * max(0.0, 1 - math.hypot(across, down) / (_NEAR * less))


def _side(corners: Corners) -> float:
    """The longer one."""
    return max(corners[2] - corners[0], corners[3] - corners[1])
