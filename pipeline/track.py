"""Which face is which, from frame to frame: by where it was and how it moved."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from pipeline.geometry import Corners, corners_of, overlap
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
    corners: Corners
    speed: Corners
    seen_at: float

    def at(self, moment: float) -> Corners:
        return _moved(self.corners, self.speed, moment - self.seen_at)

    def move(self, corners: Corners, moment: float) -> None:
        passed = moment - self.seen_at
        if passed >= _SHORTEST:
            steps = zip(self.speed, self.corners, corners, strict=True)
            left, top, right, bottom = (
                _INERTIA * speed + (1 - _INERTIA) * (there - here) / passed
                for speed, here, there in steps
            )
            self.speed = left, top, right, bottom
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

    def _begin(self, corners: Corners, now: float) -> _Track:
        track = _Track(TrackId(next(self._ids)), corners, (0.0, 0.0, 0.0, 0.0), now)
        self._tracks.append(track)
        return track

    def _pairs(self, boxes: Sequence[Corners], now: float) -> Iterator[tuple[int, _Track]]:
        """Faces and the tracks they continue, the likeliest pair first, each once."""
        places = [track.at(now) for track in self._tracks]
        likely = [
            (-score, face, track)
            for face, box in enumerate(boxes)
            for track, place in enumerate(places)
            if (score := self._score(box, place)) > 0
        ]
        faces, tracks = set[int](), set[int]()
        for _, face, track in sorted(likely):
            if face not in faces and track not in tracks:
                yield face, self._tracks[track]
                faces.add(face)
                tracks.add(track)

    def _score(self, box: Corners, place: Corners) -> float:
        """1 and more for overlap, less for being near, 0 for neither."""
        shared = overlap(box, place)
        return 1 + shared if shared >= self._least_overlap else _nearness(box, place)


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


def _moved(corners: Corners, speed: Corners, seconds: float) -> Corners:
    left, top, right, bottom = (
        here + a_second * seconds for here, a_second in zip(corners, speed, strict=True)
    )
    return left, top, right, bottom
