"""The tracks of one camera get names, keep them while the evidence stands, and lose wrong ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.assignment import assign, contenders
from pipeline.evidence import Evidence, Support
from pipeline.messages import (
    Comparison,
    Flaw,
    IdentifiedFace,
    Moment,
    PersonId,
    Revision,
    Status,
    TrackedFace,
    TrackId,
    Verdict,
)

_CARRIED = 2 / 3
"""Of the least looks, so many must be there in effect: qualities differ a little in all films."""
_TIED = 1e-9
"""Sums of similarities that differ by less are the same."""


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """When a name is given, and when it is taken back.

    Args:
        threshold: similarity from which a person is named, the weighted mean of the looks; of the
            pack's metric.
        margin: by how much it must exceed the next person's.
        hysteresis: how far the similarity of a person who was named may fall below the threshold,
            as a part of the way from there to 1.
        least_looks: how many looks must carry a name; poor ones beside a good one do not. So many
            of the latest always count.
        most_looks: how many count in all, the best ones.
    """

    threshold: float
    margin: float
    hysteresis: float
    least_looks: int
    most_looks: int

    @property
    def kept(self) -> float:
        """The similarity down to which a name that was given is kept."""
        return self.threshold - self.hysteresis * (1 - self.threshold)

    def carries(self, one: Support) -> bool:
        """Whether enough looks speak of somebody, and not one of them for all the others."""
        return one.looks >= self.least_looks and one.effective >= _CARRIED * self.least_looks


@dataclass(frozen=True, slots=True)
class Decided:
    """The faces of a frame with their verdicts, and which of those before were wrong."""

    faces: Sequence[IdentifiedFace]
    revisions: Sequence[Revision]


@dataclass(frozen=True, slots=True)
class _Name:
    """What a track is called, and the frame since which it is."""

    person: PersonId
    since: Moment


@dataclass(slots=True)
class _Track:
    """``is_stale`` if its looks are forgotten with the next one: the gallery has grown since."""

    evidence: Evidence
    is_stale: bool = False
    flaw: Flaw | None = None
    name: _Name | None = None


class Identifier:
    """Verdicts on the tracks of one camera.

    Names are given to all tracks of a frame together: everyone is there once, and the whole is as
    good as it can be. A tie between two people is decided where one of them is surely another face
    of the frame, and never by overruling whom a face resembles most.
    """

    def __init__(self, policy: DecisionPolicy) -> None:
        self._policy = policy
        self._tracks: dict[TrackId, _Track] = {}

    def observe(self, track: TrackId, now: float, seen: Comparison | Flaw) -> None:  # noqa: ARG002 - looks do not age
        """Take note of one comparison at the moment ``now``, or of why there was none."""
        known = self._of(track)
        known.flaw = seen if isinstance(seen, Flaw) else None
        if not isinstance(seen, Flaw):
            if known.is_stale:
                known.evidence.clear()
                known.is_stale = False
            known.evidence.add(seen)

    def verdict(self, track: TrackId) -> Verdict:
        """What the evidence of a track says by itself so far; pending where there is none."""
        known = self._tracks.get(track)
        if known is None:
            return Verdict(Status.PENDING)
        return self._verdict(known, self._named({track: known}).get(track))

    def decide(self, faces: Sequence[TrackedFace], moment: Moment) -> Decided:
        """The verdict of each face of the frame of this moment."""
        tracks = {face.track: self._of(face.track) for face in faces}
        named = self._named(tracks)
        verdicts, revisions = dict[TrackId, Verdict](), list[Revision]()
        for number, track in tracks.items():
            person = named.get(number)
            verdict = verdicts[number] = self._verdict(track, person)
            if track.name is not None and track.name.person != person:
                name, track.name = track.name, None
                revisions.append(Revision(number, name.person, verdict, name.since))
            if person is not None and track.name is None:
                track.name = _Name(person, moment)
        return Decided([IdentifiedFace(face, verdicts[face.track]) for face in faces], revisions)

    def forget(self, tracks: Iterable[TrackId]) -> None:
        """These tracks ended."""
        for track in tracks:
            self._tracks.pop(track, None)

    def retract(self, person: PersonId) -> Sequence[TrackId]:
        """Forget what speaks for a person; the tracks of which nothing is known any more.

        This is no revision: nobody says that it was somebody else.
        """
        return [number for number, track in self._tracks.items() if _lost(track, person)]

    def renew(self) -> Sequence[TrackId]:
        """Something was enrolled; the tracks that are to be looked at.

        Whoever has no name is judged anew, by looks at that gallery.
        """
        for track in self._tracks.values():
            track.is_stale = track.name is None
        return list(self._tracks)

    def _of(self, track: TrackId) -> _Track:
        if track not in self._tracks:
            policy = self._policy
            self._tracks[track] = _Track(Evidence(policy.least_looks, policy.most_looks))
        return self._tracks[track]

    def _named(self, tracks: Mapping[TrackId, _Track]) -> Mapping[TrackId, PersonId]:
        """Who is who: the assignment of most similarity, without what is no clear choice."""
        gains = contenders(
            {
                (number, one.person): self._gain(track, one)
                for number, track in sorted(tracks.items(), key=lambda item: item[0])
                for one in self._candidates(track)
            }
        )
        chosen = assign(gains)
        named = {
            number: person
            for number, person in chosen.items()
            if _holds(tracks[number], person) or not self._could_be_another(number, gains, chosen)
        }
        while doubtful := [
            number for number in named if not self._is_clear(tracks[number], named[number], named)
        ]:  # who is not named is nobody's excuse any more
            for number in doubtful:
                del named[number]
        return named

    def _candidates(self, track: _Track) -> Iterator[Support]:
        """Who may be named: near enough, by enough looks, and hardly anybody is nearer."""
        policy, ranked = self._policy, track.evidence.ranked
        for one in ranked:
            if ranked[0].similarity - one.similarity >= max(policy.margin, _TIED):
                return
            holds = _holds(track, one.person)
            if one.against >= (policy.margin if holds else 0):
                continue
            near = one.similarity >= (policy.kept if holds else policy.threshold)
            if near and (holds or policy.carries(one)):
                yield one

    def _gain(self, track: _Track, one: Support) -> float:
        """More for a higher similarity, and for who has the name already: nothing goes to and fro.

        Above 0 for every candidate, whatever the threshold.
        """
        policy = self._policy
        stays = max(policy.threshold - policy.kept, policy.margin)
        return one.similarity - policy.kept + _TIED + (stays if _holds(track, one.person) else 0.0)

    def _is_clear(self, track: _Track, person: PersonId, named: Mapping[TrackId, PersonId]) -> bool:
        """Whether nobody who is not another face of this frame is as near; a name given stands."""
        if _holds(track, person):
            return True
        (own,) = (one for one in track.evidence.ranked if one.person == person)
        elsewhere = set(named.values())
        rivals = (one.similarity for one in track.evidence.ranked if one.person not in elsewhere)
        return own.similarity - max(rivals, default=-1.0) >= self._policy.margin

    def _could_be_another(
        self,
        number: TrackId,
        gains: Mapping[tuple[TrackId, PersonId], float],
        chosen: Mapping[TrackId, PersonId],
    ) -> bool:
        """Whether all would fit about as well if this track were somebody else of the frame."""
        best = sum(gains[pair] for pair in chosen.items())
        for track, person in gains:
            if track == number and person != chosen[number]:
                rest = {pair: one for pair, one in gains.items() if _apart(pair, (track, person))}
                other = gains[track, person] + sum(rest[pair] for pair in assign(rest).items())
                if best - other < max(self._policy.margin, _TIED):
                    return True
        return False

    def _verdict(self, track: _Track, person: PersonId | None) -> Verdict:
        ranked = track.evidence.ranked
        if person is not None:
            (own,) = (one for one in ranked if one.person == person)
            return Verdict(Status.KNOWN, person, own.similarity)
        if not len(track.evidence):
            small = track.flaw is Flaw.TOO_SMALL
            return Verdict(Status.IGNORED if small else Status.PENDING)
        if not ranked:
            return Verdict(Status.UNKNOWN)
        pending = self._wants_looks(ranked)
        return Verdict(Status.PENDING if pending else Status.UNKNOWN, None, ranked[0].similarity)

    def _wants_looks(self, ranked: Sequence[Support]) -> bool:
        """Whether it would be a name if more looks carried it."""
        first = ranked[0]
        second = ranked[1].similarity if len(ranked) > 1 else -1.0
        clear = first.similarity - second >= self._policy.margin
        return (
            clear
            and first.against < 0
            and first.similarity >= self._policy.threshold
            and not self._policy.carries(first)
        )


def _holds(track: _Track, person: PersonId) -> bool:
    return track.name is not None and track.name.person == person


def _lost(track: _Track, person: PersonId) -> bool:
    """Forget what speaks for a person; whether that was all.

    Where it was she whom the track resembled most, all looks go: nobody else is to be named by
    looks at what was taken for her.
    """
    ranked = track.evidence.ranked
    if not _holds(track, person) and (not ranked or ranked[0].person != person):
        track.evidence.strip(person)
        return False
    track.evidence.clear()
    track.name = None
    return True


def _apart(one: tuple[TrackId, PersonId], other: tuple[TrackId, PersonId]) -> bool:
    return one[0] != other[0] and one[1] != other[1]
