"""Which face is which, from frame to frame: by where it was and how it moved."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from pipeline.geometry import Floats, corners_of, overlaps
from pipeline.messages import DetectedFace, Tracked, TrackedFace, TrackId

_NEAR = 0.5
"""Where boxes don't overlap enough: as far as this part of a side, and of like size, will do."""
_LIKE = 1.5
"""Longest ratio of two sides that are of like size."""
_SHORTEST = 0.001
"""Seconds between two pictures from which a speed can be told."""
_INERTIA = 0.7
"""Of a track's speed that stays when a new place is seen; the rest is the new step's."""


@dataclass(slots=True, eq=False)
class _Track:
    """``corners`` are left, top, right, bottom; ``speed`` is theirs, in pixels a second."""

    id: TrackId
    corners: Floats
    speed: Floats
    seen_at: float

    def at(self, moment: float) -> Floats:
        return self.corners + self.speed * (moment - self.seen_at)

    def move(self, corners: Floats, moment: float) -> None:
        passed = moment - self.seen_at
        if passed >= _SHORTEST:
            step = (corners - self.corners) / passed
            self.speed = (_INERTIA * self.speed + (1 - _INERTIA) * step).astype(np.float32)
        self.corners, self.seen_at = corners, moment


class MotionTracker:
    """Tracks of one camera, matched by overlap with where each should be by now.

    Args:
        least_overlap: intersection over union from which a face continues a track, 0..1.
        keep: seconds that a track lives on without being seen.
        after: the last number that was given away before; tracks are numbered from the next one.
    """

    def __init__(self, *, least_overlap: float, keep: float, after: int = 0) -> None:
        self._least_overlap = least_overlap
        self._keep = keep
        self._ids = count(after + 1)
        self._tracks: list[_Track] = []

    def update(self, faces: Sequence[DetectedFace], captured_at: float) -> Tracked:
        """The faces of the next frame, in the order given, each with its track."""
        ended = self._end(captured_at)
        boxes = [corners_of(face.box) for face in faces]
        known = dict(self._pairs(boxes, captured_at))
        tracked = []
        for index, (face, corners) in enumerate(zip(faces, boxes, strict=True)):
            track = known.get(index) or self._begin(corners, captured_at)
            track.move(corners, captured_at)
            tracked.append(TrackedFace(track.id, face))
        return Tracked(tracked, ended)

    def _end(self, now: float) -> Sequence[TrackId]:
        """Drop what was not seen for long; a clock that went back ends everything."""
        over = [track for track in self._tracks if not 0 <= now - track.seen_at <= self._keep]
        self._tracks = [track for track in self._tracks if track not in over]
        return [track.id for track in over]

    def _begin(self, corners: Floats, now: float) -> _Track:
        track = _Track(TrackId(next(self._ids)), corners, np.zeros(4, np.float32), now)
        self._tracks.append(track)
        return track

    def _pairs(self, boxes: Sequence[Floats], now: float) -> Iterator[tuple[int, _Track]]:
        """Faces and the tracks they continue, the likeliest pair first, each once."""
        if not boxes or not self._tracks:
            return
        scores = self._scores(np.stack(boxes), np.stack([track.at(now) for track in self._tracks]))
        for flat in np.argsort(-scores, axis=None, kind="stable"):
            face, track = np.unravel_index(flat, scores.shape)
            if scores[face, track] <= 0:
                return
            yield int(face), self._tracks[track]
            scores[face, :] = scores[:, track] = 0

    def _scores(self, boxes: Floats, places: Floats) -> Floats:
        """[faces, tracks]: 1 and more for overlap, less for being near, 0 for neither."""
        shared = overlaps(boxes[:, None], places)
        near = _nearness(boxes, places)
        scores = np.where(shared >= self._least_overlap, 1 + shared, near)
        return np.asarray(scores, np.float32)


def _nearness(boxes: Floats, places: Floats) -> Floats:
    """[faces, tracks]: from just under 1 at the same centre down to 0; 0 if sizes differ."""
    sides, track_sides = _sides(boxes)[:, None], _sides(places)
    apart = np.linalg.norm(_centres(boxes)[:, None] - _centres(places), axis=-1)
    reach = _NEAR * np.minimum(sides, track_sides)
    ratio = np.maximum(sides, track_sides) / np.maximum(np.minimum(sides, track_sides), 1e-6)
    near = np.clip(1 - apart / np.maximum(reach, 1e-6), 0, 1) * (ratio <= _LIKE)
    return np.asarray(near * 0.99, np.float32)


def _centres(corners: Floats) -> Floats:
    return np.asarray((corners[:, :2] + corners[:, 2:]) / 2, np.float32)


def _sides(corners: Floats) -> Floats:
    return np.asarray((corners[:, 2:] - corners[:, :2]).max(1), np.float32)
