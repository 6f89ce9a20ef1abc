"""When a face is embedded: which faces of a frame are compared with the gallery."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.messages import Comparison, Flaw, Followed, Status, TrackedFace, TrackId, Verdict
from pipeline.quality import glance

_POOR = 0.2
"""Glance at a face below which a new track waits for a better one: turned far away, or tiny."""
_PATIENCE = 3
"""Frames that it waits."""
_BETTER = 1.25
"""So many times the best glance so far is a picture that has improved."""
_LONGEST = 4.0
"""So many times an interval is where it stops growing."""
_AT_ONCE = 16
"""Looks in a frame; more than that wait for the next, so that a crowd costs no more."""
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
        most_looks: how many are taken, ``retry`` apart, before somebody is left at unknown.
        retry: seconds until a face that could not be compared is tried again.
        unknown_interval: seconds to the next look at somebody unknown; it grows from look to look.
        known_interval: the same for somebody known.
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
    """How a track was looked at.

    ``waited`` counts its frames without a look, before the first; ``last`` is the moment of the
    latest look, ``same`` counts those that left ``verdict`` as it was, and it itself; ``best`` is
    the best glance at a face that was looked at.
    """

    waited: int = 0
    last: float = float("-inf")
    verdict: Verdict | None = None
    same: int = 0
    best: float = 0.0
    flaw: Flaw | None = None


class Schedule:
    """Which faces of one camera are looked at, in which frame.

    A new track at its first good face, until there is a verdict; then ever more rarely, and at once
    when the picture has improved, or when the tracker is in doubt whose face it is.
    """

    def __init__(self, policy: SchedulePolicy, verdicts: Verdicts) -> None:
        self._policy = policy
        self._verdicts = verdicts
        self._looks: dict[TrackId, _Looks] = {}

    def due(self, followed: Followed, now: float, behind: float = 0.0) -> Sequence[TrackedFace]:
        """The faces to be looked at in this frame, those in doubt first.

        Args:
            followed: all of the frame.
            now: its moment.
            behind: how many frames wait for each lane.
        """
        due = [face for face in followed.faces if self._is_due(face, followed, now, behind)]
        due.sort(key=lambda face: face.track not in followed.doubted)
        return due[:_AT_ONCE]

    def looked(self, face: TrackedFace, now: float, seen: Comparison | Flaw) -> None:
        """Take note of what a look at a face gave, when its verdict has heard of it."""
        looks = self._looks.setdefault(face.track, _Looks())
        looks.last, looks.best = now, max(looks.best, glance(face.found))
        looks.flaw = seen if isinstance(seen, Flaw) else None
        if looks.flaw is None:
            verdict = self._verdicts.verdict(face.track)
            looks.same = looks.same + 1 if _says_the_same(verdict, looks.verdict) else 1
            looks.verdict = verdict

    def forget(self, tracks: Iterable[TrackId]) -> None:
        """These tracks ended, or must be judged anew: the next look at them is their first."""
        for track in tracks:
            self._looks.pop(track, None)

    def _is_due(self, face: TrackedFace, followed: Followed, now: float, behind: float) -> bool:
        looks = self._looks.get(face.track)
        doubted = face.track in followed.doubted
        if looks is None or looks.last == float("-inf"):
            return doubted or self._is_ripe(face)
        if looks.flaw is not None:
            return now - looks.last >= self._policy.retry
        if doubted or now - looks.last >= self._interval(looks, behind):
            return True
        return behind < _SURE_WAITS and glance(face.found) >= _BETTER * looks.best

    def _is_ripe(self, face: TrackedFace) -> bool:
        """Whether a track nobody looked at shows a good face, or has shown none for too long."""
        if glance(face.found) >= _POOR:
            return True
        looks = self._looks.setdefault(face.track, _Looks())
        looks.waited += 1
        return looks.waited > _PATIENCE

    def _interval(self, looks: _Looks, behind: float) -> float:
        """Seconds from the latest look to the next; ``verdict`` is that of the latest one."""
        policy = self._policy
        if looks.verdict is not None and looks.verdict.status is Status.KNOWN:
            grown = policy.known_interval * _growth(looks.same - 1)
            return grown * (_POSTPONED if behind >= _SURE_WAITS else 1)
        if looks.same < policy.least_looks:
            return 0.0
        waits = behind >= _STRANGER_WAITS
        if looks.same < policy.most_looks and not waits:
            return policy.retry
        grown = policy.unknown_interval * _growth(looks.same - policy.most_looks)
        return grown * (_POSTPONED if waits else 1)


def _growth(looks: int) -> float:
    """By how much an interval has grown after so many looks that changed nothing."""
    return min(2.0 ** max(looks, 0), _LONGEST)


def _says_the_same(verdict: Verdict, before: Verdict | None) -> bool:
    return before is not None and (verdict.status, verdict.person) == (before.status, before.person)
