"""A track's evidence becomes a name, or "unknown"."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.messages import (
    IdentifiedFace,
    Match,
    PersonId,
    Status,
    TrackedFace,
    TrackId,
    Verdict,
)
from pipeline.quality import Flaw

Observation = Sequence[Match] | Flaw
"""The people nearest to a face, nearest first; or why it was not compared."""


Looks = Iterable[Sequence[Match]]
_POSTPONED = 4.0
"""So many times longer is the wait for a look that can wait, while the lanes are behind."""
_SURE_WAITS = 1.0
_STRANGER_WAITS = 2.0
"""Frames that wait for each lane from which on looks at names that are sure, and then at strangers
who were judged, are put off. New tracks never wait."""
_PAST = 32
"""Tracks that ended whose evidence is kept; of more the oldest goes."""


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """When a name is given.

    Args:
        threshold: similarity from which a person is named, the mean of her best looks; of the
            pack's metric.
        margin: by how much it must exceed the next person's.
        least_looks: how many looks must speak for a name; the best so many make the mean.
        most_looks: the latest looks that count; older ones are forgotten. So many are taken, one
            a frame, before somebody is left at unknown for a while.
        retry: seconds until a face that could not be compared is tried again.
        unknown_interval: seconds between looks at somebody unknown.
        known_interval: seconds between looks at somebody known.
    """

    threshold: float
    margin: float
    least_looks: int
    most_looks: int
    retry: float
    unknown_interval: float
    known_interval: float


@dataclass(slots=True)
class _Evidence:
    """What was seen of a track: its latest comparisons, and how the last attempt went.

    ``inherited`` are the looks at a track that ended where this one began. They count from its
    first own look on, as long as none of these disagrees.
    """

    looks: deque[Sequence[Match]]
    inherited: Sequence[Sequence[Match]] = ()
    looked_at: float = float("-inf")
    flaw: Flaw | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(Status.PENDING))

    @property
    def counted(self) -> Sequence[Sequence[Match]]:
        return [*self.inherited, *self.looks] if self.looks else []


class Identifier:
    """Verdicts on the tracks of one camera."""

    def __init__(self, policy: DecisionPolicy) -> None:
        self._policy = policy
        self._evidence: dict[TrackId, _Evidence] = {}
        self._past: dict[TrackId, _Evidence] = {}

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

    def observe(self, track: TrackId, now: float, seen: Observation) -> None:
        """Take note of one comparison, or of why there was none."""
        evidence = self._of(track)
        evidence.looked_at = now
        evidence.flaw = seen if isinstance(seen, Flaw) else None
        if not isinstance(seen, Flaw):
            self._confirm(evidence, seen)
            evidence.looks.append(seen)
        evidence.verdict = self._verdict(evidence)

    def decide(self, faces: Sequence[TrackedFace]) -> Sequence[IdentifiedFace]:
        """The verdict of each face of a frame; a person is named once, where it fits best."""
        verdicts = {face.track: self._of(face.track).verdict for face in faces}
        taken = Counter[PersonId]()
        for track in sorted(verdicts, key=lambda track: -(verdicts[track].similarity or 0)):
            person = verdicts[track].person
            if person is None:
                continue
            if taken[person]:
                verdicts[track] = Verdict(Status.UNKNOWN, similarity=verdicts[track].similarity)
            taken[person] += 1
        return [IdentifiedFace(face, verdicts[face.track]) for face in faces]

    def forget(self, tracks: Iterable[TrackId]) -> None:
        """These tracks ended; their evidence is put aside for a while."""
        for track in tracks:
            if (evidence := self._evidence.pop(track, None)) is not None:
                self._past[track] = evidence
        for track in list(self._past)[:-_PAST]:
            del self._past[track]

    def inherit(self, returned: Mapping[TrackId, TrackId]) -> None:
        """Give new tracks the evidence of those that ended where they begin.

        It may be somebody else who came to that place: it names nobody before a look at the new
        track has said the same, and is dropped when one of its first looks does not.
        """
        for track, before in returned.items():
            if (past := self._past.pop(before, None)) is not None:
                self._of(track).inherited = past.counted[-self._policy.most_looks :]

    def retract(self, person: PersonId) -> None:
        """Forget the looks in which this person was among the nearest; new ones are due at once."""
        for evidence in (*self._evidence.values(), *self._past.values()):
            kept, inherited = _without(person, evidence.looks), _without(person, evidence.inherited)
            if len(kept) < len(evidence.looks) or len(inherited) < len(evidence.inherited):
                evidence.looks = deque(kept, maxlen=self._policy.most_looks)
                evidence.inherited = inherited
                evidence.looked_at = float("-inf")
                evidence.verdict = self._verdict(evidence)

    def _of(self, track: TrackId) -> _Evidence:
        if track not in self._evidence:
            self._evidence[track] = _Evidence(deque(maxlen=self._policy.most_looks))
        return self._evidence[track]

    def _confirm(self, evidence: _Evidence, look: Sequence[Match]) -> None:
        """Drop what was inherited if ``look`` disagrees; after enough looks it is the track's."""
        if not evidence.inherited:
            return
        was, now = self._ranked(evidence.inherited), self._ranked([look])
        same = bool(was and now) and was[0][0] == now[0][0]
        if not same or self._is_named(was) != self._is_named(now):
            evidence.inherited = ()
        elif len(evidence.looks) + 1 >= self._policy.least_looks:
            own = [*evidence.inherited, *evidence.looks]
            evidence.looks, evidence.inherited = deque(own, maxlen=self._policy.most_looks), ()

    def _is_due(self, track: TrackId, now: float, behind: float) -> bool:
        evidence = self._of(track)
        return now - evidence.looked_at >= self._interval(evidence, behind)

    def _interval(self, evidence: _Evidence, behind: float) -> float:
        if evidence.flaw is not None:
            return self._policy.retry
        if evidence.inherited and evidence.looks:
            return self._policy.retry
        if evidence.verdict.status is Status.KNOWN:
            return self._policy.known_interval * (_POSTPONED if behind >= _SURE_WAITS else 1)
        policy, waits = self._policy, behind >= _STRANGER_WAITS
        if len(evidence.looks) < (policy.least_looks if waits else policy.most_looks):
            return 0.0
        return policy.unknown_interval * (_POSTPONED if waits else 1)

    def _verdict(self, evidence: _Evidence) -> Verdict:
        if not evidence.counted:
            small = evidence.flaw is Flaw.TOO_SMALL
            return Verdict(Status.IGNORED if small else Status.PENDING)
        ranked = self._ranked(evidence.counted)
        if not ranked:
            return Verdict(Status.UNKNOWN)
        person, similarity = ranked[0]
        if not self._is_named(ranked):
            return Verdict(Status.UNKNOWN, similarity=similarity)
        if len(evidence.counted) < self._policy.least_looks:
            return Verdict(Status.PENDING, similarity=similarity)
        return Verdict(Status.KNOWN, person, similarity)

    def _is_named(self, ranked: Sequence[tuple[PersonId, float]]) -> bool:
        """Whether the first one is near enough, and clearly nearer than the second."""
        similarity = ranked[0][1]
        second = ranked[1][1] if len(ranked) > 1 else -1.0
        policy = self._policy
        return similarity >= policy.threshold and similarity - second >= policy.margin

    def _ranked(self, looks: Looks) -> Sequence[tuple[PersonId, float]]:
        """Each person's mean over her best looks, best first; one without her is its lowest."""
        tables = [{match.person: match.similarity for match in look} for look in looks if look]
        support = {
            person: _mean_of_best(
                [table.get(person, min(table.values())) for table in tables],
                self._policy.least_looks,
            )
            for person in {person for table in tables for person in table}
        }
        return sorted(support.items(), key=lambda item: -item[1])


def _without(person: PersonId, looks: Looks) -> Sequence[Sequence[Match]]:
    """The looks that do not list a person."""
    return [look for look in looks if all(one.person != person for one in look)]


def _mean_of_best(values: Sequence[float], count: int) -> float:
    best = sorted(values, reverse=True)[:count]
    return sum(best) / len(best)
