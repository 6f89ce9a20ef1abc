"""A track's evidence becomes a name, or "unknown"."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipeline.messages import (
    Comparison,
    Flaw,
    IdentifiedFace,
    PersonId,
    Status,
    TrackedFace,
    TrackId,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """When a name is given.

    Args:
        threshold: similarity from which a person is named, the mean of her best looks; of the
            pack's metric.
        margin: by how much it must exceed the next person's.
        least_looks: how many looks must speak for a name; the best so many make the mean.
        most_looks: the latest looks that count; older ones are forgotten.
    """

    threshold: float
    margin: float
    least_looks: int
    most_looks: int


@dataclass(slots=True)
class _Evidence:
    """What was seen of a track: its latest comparisons, and how the last attempt went."""

    looks: deque[Comparison]
    flaw: Flaw | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(Status.PENDING))


class Identifier:
    """Verdicts on the tracks of one camera."""

    def __init__(self, policy: DecisionPolicy) -> None:
        self._policy = policy
        self._evidence: dict[TrackId, _Evidence] = {}

    def observe(self, track: TrackId, now: float, seen: Comparison | Flaw) -> None:  # noqa: ARG002 - for evidence that ages
        """Take note of one comparison at the moment ``now``, or of why there was none."""
        evidence = self._of(track)
        evidence.flaw = seen if isinstance(seen, Flaw) else None
        if not isinstance(seen, Flaw):
            evidence.looks.append(seen)
        evidence.verdict = self._verdict(evidence)

    def verdict(self, track: TrackId) -> Verdict:
        """What the evidence of a track says so far; pending where there is none."""
        evidence = self._evidence.get(track)
        return Verdict(Status.PENDING) if evidence is None else evidence.verdict

    def decide(self, faces: Sequence[TrackedFace]) -> Sequence[IdentifiedFace]:
        """The verdict of each face of a frame; a person is named once, where it fits best."""
        verdicts = {face.track: self.verdict(face.track) for face in faces}
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
        """These tracks ended."""
        for track in tracks:
            self._evidence.pop(track, None)

    def retract(self, person: PersonId) -> Sequence[TrackId]:
        """Forget the looks in which this person was among the nearest; the tracks that lost some.

        What is left of their evidence is little: they want to be looked at anew.
        """
        return [track for track, evidence in self._evidence.items() if self._lost(evidence, person)]

    def _lost(self, evidence: _Evidence, person: PersonId) -> bool:
        """Drop the looks that list ``person``, and say whether there were any."""
        kept = [
            look for look in evidence.looks if all(one.person != person for one in look.matches)
        ]
        if len(kept) == len(evidence.looks):
            return False
        evidence.looks = deque(kept, maxlen=self._policy.most_looks)
        evidence.verdict = self._verdict(evidence)
        return True

    def _of(self, track: TrackId) -> _Evidence:
        if track not in self._evidence:
            self._evidence[track] = _Evidence(deque(maxlen=self._policy.most_looks))
        return self._evidence[track]

    def _verdict(self, evidence: _Evidence) -> Verdict:
        if not evidence.looks:
            small = evidence.flaw is Flaw.TOO_SMALL
            return Verdict(Status.IGNORED if small else Status.PENDING)
        ranked = self._ranked(evidence.looks)
        if not ranked:
            return Verdict(Status.UNKNOWN)
        person, similarity = ranked[0]
        if not self._is_named(ranked):
            return Verdict(Status.UNKNOWN, similarity=similarity)
        if len(evidence.looks) < self._policy.least_looks:
            return Verdict(Status.PENDING, similarity=similarity)
        return Verdict(Status.KNOWN, person, similarity)

    def _is_named(self, ranked: Sequence[tuple[PersonId, float]]) -> bool:
        """Whether the first one is near enough, and clearly nearer than the second."""
        similarity = ranked[0][1]
        second = ranked[1][1] if len(ranked) > 1 else -1.0
        policy = self._policy
        return similarity >= policy.threshold and similarity - second >= policy.margin

    def _ranked(self, looks: Iterable[Comparison]) -> Sequence[tuple[PersonId, float]]:
        """Each person's mean over her best looks, best first; one without her is its lowest."""
        tables = [
            {match.person: match.similarity for match in look.matches}
            for look in looks
            if look.matches
        ]
        support = {
            person: _mean_of_best(
                [table.get(person, min(table.values())) for table in tables],
                self._policy.least_looks,
            )
            for person in {person for table in tables for person in table}
        }
        return sorted(support.items(), key=lambda item: -item[1])


def _mean_of_best(values: Sequence[float], count: int) -> float:
    best = sorted(values, reverse=True)[:count]
    return sum(best) / len(best)
