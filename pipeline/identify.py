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
    """What was seen of a track: its latest comparisons, and how the last attempt went."""

    looks: deque[Sequence[Match]]
    looked_at: float = float("-inf")
    flaw: Flaw | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(Status.PENDING))


class Identifier:
    """Verdicts on the tracks of one camera."""

    def __init__(self, policy: DecisionPolicy) -> None:
        self._policy = policy
        self._evidence: dict[TrackId, _Evidence] = {}

    def due(self, faces: Iterable[TrackedFace], now: float) -> Sequence[TrackedFace]:
        """The faces to be compared with the gallery in this frame."""
        return [face for face in faces if self._is_due(face.track, now)]

    def observe(self, track: TrackId, now: float, seen: Observation) -> None:
        """Take note of one comparison, or of why there was none."""
        evidence = self._of(track)
        evidence.looked_at = now
        evidence.flaw = seen if isinstance(seen, Flaw) else None
        if not isinstance(seen, Flaw):
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
        """Drop the evidence of tracks that ended."""
        for track in tracks:
            self._evidence.pop(track, None)

    def retract(self, person: PersonId) -> None:
        """Forget the looks in which this person was among the nearest; new ones are due at once."""
        for evidence in self._evidence.values():
            kept = [look for look in evidence.looks if all(one.person != person for one in look)]
            if len(kept) < len(evidence.looks):
                evidence.looks = deque(kept, maxlen=self._policy.most_looks)
                evidence.looked_at = float("-inf")
                evidence.verdict = self._verdict(evidence)

    def _of(self, track: TrackId) -> _Evidence:
        if track not in self._evidence:
            self._evidence[track] = _Evidence(deque(maxlen=self._policy.most_looks))
        return self._evidence[track]

    def _is_due(self, track: TrackId, now: float) -> bool:
        evidence = self._of(track)
        return now - evidence.looked_at >= self._interval(evidence)

    def _interval(self, evidence: _Evidence) -> float:
        if evidence.flaw is not None:
            return self._policy.retry
        if evidence.verdict.status is Status.KNOWN:
            return self._policy.known_interval
        settled = len(evidence.looks) == self._policy.most_looks
        return self._policy.unknown_interval if settled else 0.0

    def _verdict(self, evidence: _Evidence) -> Verdict:
        if not evidence.looks:
            small = evidence.flaw is Flaw.TOO_SMALL
            return Verdict(Status.IGNORED if small else Status.PENDING)
        ranked = sorted(self._support(evidence.looks).items(), key=lambda item: -item[1])
        if not ranked:
            return Verdict(Status.UNKNOWN)
        (person, similarity), *others = ranked
        second = others[0][1] if others else -1.0
        if similarity < self._policy.threshold or similarity - second < self._policy.margin:
            return Verdict(Status.UNKNOWN, similarity=similarity)
        if len(evidence.looks) < self._policy.least_looks:
            return Verdict(Status.PENDING, similarity=similarity)
        return Verdict(Status.KNOWN, person, similarity)

    def _support(self, looks: Iterable[Sequence[Match]]) -> Mapping[PersonId, float]:
        """Each person's mean over her best looks; one that does not list her is its lowest."""
        tables = [{match.person: match.similarity for match in look} for look in looks if look]
        return {
            person: _mean_of_best(
                [table.get(person, min(table.values())) for table in tables],
                self._policy.least_looks,
            )
            for person in {person for table in tables for person in table}
        }


def _mean_of_best(values: Sequence[float], count: int) -> float:
    best = sorted(values, reverse=True)[:count]
    return sum(best) / len(best)
