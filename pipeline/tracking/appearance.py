"""What a track looks like: its best few faces, and which others are like them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import combinations

from pipeline.messages import Probe, Vector

_KEPT = 5
"""Faces that are kept of a track; of more the worse one of the two most alike goes."""
_STRICTER = 0.25
"""Of the way from the pack's threshold to 1, where the same face of the same camera begins.

For dlib that is 0.9475 (threshold 0.93). On the clips one person's faces lie at 0.954 and more
beside those of her track, another's at 0.944 at the most beside those that a whole clip leaves.
"""
_JUDGED = 0.1
"""Quality below which a face that is unlike its track says nothing: it may be turned away."""


class Likeness(Enum):
    """What a probe says of a track."""

    SAME = auto()
    OTHER = auto()
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True)
class Alike:
    """From which similarity faces of one camera are the same person's, and below which not."""

    same: float
    other: float

    @classmethod
    def of_threshold(cls, threshold: float) -> "Alike":
        """For a pack whose threshold between people is this."""
        return cls(threshold + _STRICTER * (1 - threshold), threshold)


class Appearance:
    """A few faces of a track: good ones, and different from each other."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: list[Probe] = []

    def __bool__(self) -> bool:
        return bool(self._kept)

    @property
    def kept(self) -> Sequence[Probe]:
        """They themselves, the latest last."""
        return tuple(self._kept)

    def similarity(self, vector: Vector) -> float:
        """The cosine with the most similar face that is kept; -1 where none is."""
        return max((float(probe.vector @ vector) for probe in self._kept), default=-1.0)

    def judge(self, probe: Probe, alike: Alike) -> Likeness:
        """Whether ``probe`` shows who is kept here; whoever was only seen badly may be anybody."""
        if all(kept.quality < _JUDGED for kept in self._kept):
            return Likeness.SAME
        similarity = self.similarity(probe.vector)
        if similarity >= alike.same:
            return Likeness.SAME
        if similarity >= alike.other or probe.quality < _JUDGED:
            return Likeness.UNCLEAR
        return Likeness.OTHER

    def keep(self, probe: Probe) -> None:
        """One more face of this track, which may take the place of one that it is like."""
        self._kept.append(probe)
        if len(self._kept) > _KEPT:
            older, newer = max(combinations(self._kept, 2), key=_similarity)
            self._kept.remove(older if older.quality < newer.quality else newer)


def _similarity(two: tuple[Probe, Probe]) -> float:
    return float(two[0].vector @ two[1].vector)
