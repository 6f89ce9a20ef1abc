"""When a face is embedded: which faces of a frame are compared with the gallery."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.messages import Comparison, Status, TrackedFace, TrackId, Verdict
from pipeline.quality import Flaw

_POSTPONED = 4.0
"""So many times longer is the wait for a look that can wait, while the lanes are behind."""
_SURE_WAITS = 1.0
_STRANGER_WAITS = 2.0
"""Frames that wait for each lane from which on looks at names that are sure, and then at strangers
who were judged, are put off. New tracks never wait."""


@dataclass(frozen=True, slots=True)
class SchedulePolicy:
    """How often a track is looked at.

    Args:
        least_looks: how many a verdict needs; nobody is judged by fewer.
        most_looks: how many are taken, one a frame, before somebody is left at unknown for a while.
        retry: seconds until a face that could not be compared is tried again.
        unknown_interval: seconds between looks at somebody unknown.
        known_interval: seconds between looks at somebody known.
    """

    least_looks: int
    most_looks: int
    retry: float
    unknown_interval: float
    known_interval: float


class Verdicts(Protocol):
    """Who is this track?"""

    def verdict(self, track: TrackId) -> Verdict:
        """What the evidence says so far; pending where there is none."""


@dataclass(slots=True)
class _Looks:
    """How a track was looked at: when last, how many looks could be compared, what was wrong."""

    last: float = float("-inf")
    compared: int = 0
    flaw: Flaw | None = None


class Schedule:
    """Which tracks of one camera are looked at, in which frame."""

    def __init__(self, policy: SchedulePolicy, verdicts: Verdicts) -> None:
        self._policy = policy
        self._verdicts = verdicts
        self._looks: dict[TrackId, _Looks] = {}

    def due(
        self, faces: Iterable[TrackedFace], now: float, behind: float = 0.0
    ) -> Sequence[TrackedFace]:
        """The faces to be compared with the gallery in this frame.

        Args:
            faces: all of the frame.
            now: its moment.
            behind: how many frames wait for each lane.
        """
        return [face for face in faces if self._is_due(face.track, now, behind)]

    def looked(self, track: TrackId, now: float, seen: Comparison | Flaw) -> None:
        """Take note of a look at a track."""
        looks = self._looks.setdefault(track, _Looks())
        looks.last = now
        looks.flaw = seen if isinstance(seen, Flaw) else None
        looks.compared += looks.flaw is None

    def forget(self, tracks: Iterable[TrackId]) -> None:
        """These tracks ended, or must be judged anew: the next look at them is their first."""
        for track in tracks:
            self._looks.pop(track, None)

    def _is_due(self, track: TrackId, now: float, behind: float) -> bool:
        looks = self._looks.get(track)
        return looks is None or now - looks.last >= self._interval(track, looks, behind)

    def _interval(self, track: TrackId, looks: _Looks, behind: float) -> float:
        policy = self._policy
        if looks.flaw is not None:
            return policy.retry
        if self._verdicts.verdict(track).status is Status.KNOWN:
            return policy.known_interval * (_POSTPONED if behind >= _SURE_WAITS else 1)
        waits = behind >= _STRANGER_WAITS
        if looks.compared < (policy.least_looks if waits else policy.most_looks):
            return 0.0
        return policy.unknown_interval * (_POSTPONED if waits else 1)
