"""Names on film beside who is really there: by frame, and by track."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from pipeline.evaluation.intervals import Rate
from pipeline.messages import PersonId, TrackId


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face in a frame: which track it is of, the name it bears, and whose it really is.

    ``at`` is the frame's moment in seconds. ``name`` is None where it bears none; ``decided`` says
    whether there is a verdict, a name or "unknown". ``truth`` is None where it is not known who it
    is, but only that it is nobody who is enrolled.
    """

    frame: int
    at: float
    track: TrackId
    name: PersonId | None
    decided: bool
    truth: PersonId | None


@dataclass(frozen=True, slots=True)
class TrackReport:
    """One track.

    ``person`` is who it mostly is, ``name`` what the last verdict says. ``flips`` counts how often
    it lost a name, to another or to none; ``revisions`` how often one name followed on another.
    ``time_to_name`` is in seconds from the first face to the first with the right name, None if it
    never has it. ``people`` counts those whose face it was: more than 1 is an id that swapped.
    """

    track: TrackId
    person: PersonId | None
    name: PersonId | None
    faces: int
    flips: int
    revisions: int
    time_to_name: float | None
    people: int


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody enrolled in a clip: ``right`` of all its frames show her with her name."""

    person: PersonId
    right: Rate


@dataclass(frozen=True, slots=True)
class ClipReport:
    """A clip; ``enrolled_from`` if somebody's template was made of it, so that it proves little.

    ``false_names`` counts the faces that bear somebody else's name, of all faces.
    """

    clip: str
    frames: int
    enrolled_from: bool
    presences: Sequence[Presence]
    false_names: Rate
    tracks: Sequence[TrackReport]


@dataclass(frozen=True, slots=True)
class Totals:
    """All clips together, without those that somebody was enrolled from.

    ``precision`` is the part of tracks with a name whose name is right, ``recall`` the part of
    tracks of enrolled people that end with the right name. ``mixed`` counts tracks of several
    people. Times to a name are in seconds; None where nobody was named.
    """

    clips: int
    right: Rate
    false_names: Rate
    precision: Rate
    recall: Rate
    flips: int
    revisions: int
    mixed: int
    median_time_to_name: float | None
    longest_time_to_name: float | None


@dataclass(frozen=True, slots=True)
class ClipsReport:
    """What clips with a ground truth show; ``gallery`` has how many templates each one has."""

    pack: str
    threshold: float
    gallery: Mapping[PersonId, int]
    clips: Sequence[ClipReport]
    totals: Totals
    notes: Sequence[str]


def report_clip(
    clip: str, frames: int, seen: Sequence[Sighting], present: Collection[PersonId], *, used: bool
) -> ClipReport:
    """What was seen in a clip of so many frames, in which these enrolled people are present."""
    tracks = sorted({one.track for one in seen})
    return ClipReport(
        clip=clip,
        frames=frames,
        enrolled_from=used,
        presences=[Presence(one, _right(seen, one, frames)) for one in sorted(present)],
        false_names=Rate.of(sum(map(is_false, seen)), len(seen)),
        tracks=[_track([one for one in seen if one.track == track]) for track in tracks],
    )


def totals(clips: Sequence[ClipReport], enrolled: Collection[PersonId]) -> Totals:
    """All clips that nobody was enrolled from."""
    counted = [clip for clip in clips if not clip.enrolled_from]
    tracks = [track for clip in counted for track in clip.tracks]
    named = [track for track in tracks if track.name is not None]
    known = [track for track in tracks if track.person in enrolled]
    times = [track.time_to_name for track in known if track.time_to_name is not None]
    return Totals(
        clips=len(counted),
        right=_sum([one.right for clip in counted for one in clip.presences]),
        false_names=_sum([clip.false_names for clip in counted]),
        precision=Rate.of(sum(one.name == one.person for one in named), len(named)),
        recall=Rate.of(sum(one.name == one.person for one in known), len(known)),
        flips=sum(track.flips for track in tracks),
        revisions=sum(track.revisions for track in tracks),
        mixed=sum(track.people > 1 for track in tracks),
        median_time_to_name=round(median(times), 3) if times else None,
        longest_time_to_name=max(times, default=None),
    )


def is_false(seen: Sighting) -> bool:
    """Whether a face bears the name of somebody else."""
    return seen.name is not None and seen.name != seen.truth


def flips(names: Sequence[PersonId | None]) -> int:
    """How often, from verdict to verdict, a name was lost: to another name, or to none."""
    return sum(one is not None and other != one for one, other in pairwise(names))


def revisions(names: Sequence[PersonId | None]) -> int:
    """How often one name followed on another, with or without verdicts of "unknown" between."""
    given = [name for name in names if name is not None]
    return sum(one != other for one, other in pairwise(given))


def _track(seen: Sequence[Sighting]) -> TrackReport:
    """A track by its faces, in their order."""
    names = [one.name for one in seen if one.decided]
    whose = Counter(one.truth for one in seen)
    (person, _), *_ = whose.most_common(1)
    named_at = next((one.at for one in seen if one.name is not None and one.name == person), None)
    return TrackReport(
        track=seen[0].track,
        person=person,
        name=names[-1] if names else None,
        faces=len(seen),
        flips=flips(names),
        revisions=revisions(names),
        time_to_name=None if named_at is None else round(named_at - seen[0].at, 3),
        people=len(whose),
    )


def _right(seen: Sequence[Sighting], person: PersonId, frames: int) -> Rate:
    """In how many of all frames somebody bears her name, and is she."""
    return Rate.of(len({one.frame for one in seen if one.name == one.truth == person}), frames)


def _sum(rates: Sequence[Rate]) -> Rate:
    return Rate.of(sum(rate.events for rate in rates), sum(rate.trials for rate in rates))
