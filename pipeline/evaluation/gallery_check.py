"""A gallery beside itself: who is missed, whom strangers resemble, what is odd."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.identification import (
    NONE,
    Identification,
    Neighbours,
    blocks,
    identification,
    joined,
    missing,
    neighbours_in,
)
from pipeline.evaluation.intervals import Rate, trials_wanted
from pipeline.evaluation.verification import OperatingPoint
from pipeline.messages import EnrolledFace, FaceId, PersonId

_STEPS = 10_000
"""Of a similarity of 1: a suggested threshold has four decimals."""
_TOLD = 100
"""People, and photographs, that are told at the most."""
_LENGTH = 0.01
"""By which a template's length may differ from 1."""


class Doubt(StrEnum):
    """What is odd about a photograph."""

    UNLIKE_OWN = "unlike the person's other photographs"
    LIKE_ANOTHER = "like another person"
    NO_TEMPLATE = "its template is no unit vector"


@dataclass(frozen=True, slots=True)
class Beside:
    """A template beside another one."""

    face: FaceId
    person: PersonId
    similarity: float


@dataclass(frozen=True, slots=True)
class DoubtfulFace:
    """A photograph to look at.

    ``own`` is the most similar one of the same person, ``other`` that of anybody else; None where
    there is none.
    """

    face: FaceId
    person: PersonId
    doubts: Sequence[Doubt]
    own: Beside | None
    other: Beside | None


@dataclass(frozen=True, slots=True)
class MissedPerson:
    """Somebody of whom ``missed`` of ``faces`` are not named by the others (leave one out)."""

    person: PersonId
    faces: int
    missed: int


@dataclass(frozen=True, slots=True)
class Nearest:
    """The two most similar photographs of different people: no stranger here comes nearer."""

    face: FaceId
    person: PersonId
    other: Beside


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How near a stranger comes to somebody, over all people: the nearest, of 95 %, of half."""

    highest: float
    most: float
    median: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The lowest threshold, of four decimals, for a false match rate of ``allowed`` at the most.

    ``fmr`` is that of the non-mated comparisons at it. To show so low a rate takes ``wanted``
    comparisons; with fewer ``enough`` is false, and the true rate may be as high as ``fmr.high``.
    """

    allowed: float
    threshold: float
    fmr: Rate
    wanted: int
    enough: bool


@dataclass(frozen=True, slots=True)
class GalleryReport:
    """What a gallery shows of itself, by its own photographs.

    ``comparisons`` has both kinds at the threshold, ``searches`` those of everyone as enrolled and
    as a stranger. ``missed`` and ``doubtful`` have the worst first, and not all of many:
    ``doubtful_faces`` counts them. ``nearest``, ``ceiling`` and ``suggestion`` are None where there
    are no two people.
    """

    people: int
    faces: int
    comparisons: OperatingPoint
    searches: Identification
    nearest: Nearest | None
    ceiling: Ceiling | None
    suggestion: Suggestion | None
    missed: Sequence[MissedPerson]
    doubtful: Sequence[DoubtfulFace]
    doubtful_faces: int


class GalleryStudy:
    """Compares every template with every other, some rows at a time, so that others come between.

    Call ``add`` with each of ``blocks`` in order, then ``report``. Of n templates it holds n
    vectors, and n similarities at once, not n times n.
    """

    def __init__(self, faces: Sequence[EnrolledFace], threshold: float) -> None:
        sound = [_is_unit(face.vector) for face in faces]
        self._broken = [face for face, whole in zip(faces, sound, strict=True) if not whole]
        self._faces = [face for face, whole in zip(faces, sound, strict=True) if whole]
        self._threshold = threshold
        numbers = {person: n for n, person in enumerate({face.person: 0 for face in self._faces})}
        self._people = list(numbers)
        self._owners = np.array([numbers[face.person] for face in self._faces], np.intp)
        vectors = [face.vector for face in self._faces]
        self._vectors = np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)
        self._parts: list[Neighbours] = []
        self._mated, self._missed = 0, 0
        self._non_mated = np.zeros(2 * _STEPS + 1, np.int64)
        self._matched = 0

    @property
    def blocks(self) -> Iterator[slice]:
        """The rows to be added, in order."""
        return blocks(len(self._faces))

    def add(self, rows: slice) -> None:
        """Compare these with all."""
        similarities = self._vectors[rows] @ self._vectors.T
        self._parts.append(neighbours_in(similarities, self._owners, rows))
        numbers = np.arange(len(self._faces))
        later = numbers[rows, None] < numbers
        same = self._owners[rows, None] == self._owners
        mated, non_mated = similarities[later & same], similarities[later & ~same]
        self._mated += len(mated)
        self._missed += int((mated < self._threshold).sum())
        self._matched += int((non_mated >= self._threshold).sum())
        steps = np.clip((non_mated + 1) * _STEPS, 0, 2 * _STEPS).astype(np.intp)
        self._non_mated += np.bincount(steps, minlength=len(self._non_mated))

    def report(self, allowed: float) -> GalleryReport:
        """What was found; ``allowed`` is the false match rate to suggest a threshold for."""
        near = joined(self._parts)
        doubtful = self._doubtful(near)
        return GalleryReport(
            people=len(self._people),
            faces=len(self._faces),
            comparisons=OperatingPoint(
                self._threshold,
                Rate.of(self._matched, int(self._non_mated.sum())),
                Rate.of(self._missed, self._mated),
            ),
            searches=identification(near, self._owners, self._threshold),
            nearest=self._nearest(near),
            ceiling=self._ceiling(near),
            suggestion=suggested(self._non_mated, allowed),
            missed=self._missed_people(near),
            doubtful=[*map(_broken, self._broken), *doubtful][:_TOLD],
            doubtful_faces=len(self._broken) + len(doubtful),
        )

    def _nearest(self, near: Neighbours) -> Nearest | None:
        if len(self._people) < 2:  # noqa: PLR2004 - it takes two
            return None
        at = int(near.other.argmax())
        other = self._beside(near.other_at[at], near.other[at])
        return Nearest(self._faces[at].face, self._faces[at].person, other) if other else None

    def _ceiling(self, near: Neighbours) -> Ceiling | None:
        """Of each person the photograph that comes nearest to somebody else."""
        if len(self._people) < 2:  # noqa: PLR2004 - as above
            return None
        each = np.full(len(self._people), NONE, np.float32)
        np.maximum.at(each, self._owners, near.other)
        most, median = np.quantile(each, (0.95, 0.5))
        return Ceiling(*(round(float(one), 4) for one in (each.max(), most, median)))

    def _missed_people(self, near: Neighbours) -> Sequence[MissedPerson]:
        enrolled = near.own > NONE
        faces = np.bincount(self._owners[enrolled], minlength=len(self._people))
        lost = self._owners[enrolled & missing(near, self._threshold)]
        missed = np.bincount(lost, minlength=len(self._people))
        part = missed / np.maximum(faces, 1)
        worst = [at for at in np.argsort(-part, kind="stable")[:_TOLD] if missed[at]]
        return [MissedPerson(self._people[at], int(faces[at]), int(missed[at])) for at in worst]

    def _doubtful(self, near: Neighbours) -> Sequence[DoubtfulFace]:
        """Photographs that are odd, the oddest first."""
        unlike = (near.own > NONE) & (near.own < self._threshold)
        like = (near.other >= self._threshold) | ((near.own > NONE) & (near.other >= near.own))
        how_far = np.maximum(
            np.where(unlike, self._threshold - near.own, 0),
            np.where(like, near.other - self._threshold, NONE),
        )
        odd = np.flatnonzero(unlike | like)
        return [
            DoubtfulFace(
                face=self._faces[at].face,
                person=self._faces[at].person,
                doubts=_doubts(unlike=bool(unlike[at]), like=bool(like[at])),
                own=self._beside(near.own_at[at], near.own[at]),
                other=self._beside(near.other_at[at], near.other[at]),
            )
            for at in odd[np.argsort(-how_far[odd], kind="stable")]
        ]

    def _beside(self, at: np.intp, similarity: np.float32) -> Beside | None:
        if similarity <= NONE:
            return None
        face = self._faces[at]
        return Beside(face.face, face.person, round(float(similarity), 4))


def suggested(non_mated: NDArray[np.int64], allowed: float) -> Suggestion | None:
    """The suggestion by counts of non-mated similarities, each from -1 + its place / 10,000 on."""
    trials = int(non_mated.sum())
    if not trials:
        return None
    matching = np.append(np.cumsum(non_mated[::-1])[::-1], 0)
    step = int(np.argmax(matching <= allowed * trials))
    wanted = trials_wanted(allowed)
    return Suggestion(
        allowed=allowed,
        threshold=round(step / _STEPS - 1, 4),
        fmr=Rate.of(int(matching[step]), trials),
        wanted=wanted,
        enough=trials >= wanted,
    )


def _doubts(*, unlike: bool, like: bool) -> Sequence[Doubt]:
    both = ((unlike, Doubt.UNLIKE_OWN), (like, Doubt.LIKE_ANOTHER))
    return [doubt for is_so, doubt in both if is_so]


def _broken(face: EnrolledFace) -> DoubtfulFace:
    return DoubtfulFace(face.face, face.person, [Doubt.NO_TEMPLATE], None, None)


def _is_unit(vector: NDArray[np.float32]) -> bool:
    return bool(abs(float(np.linalg.norm(vector)) - 1) <= _LENGTH)
