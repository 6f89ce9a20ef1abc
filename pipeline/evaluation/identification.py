"""One probe beside a gallery: who is found falsely, who is missed (open set, ISO/IEC 19795-1).

Everyone is searched for twice in thought. As an enrolled person: each template is a probe beside
all others of the gallery. As a stranger: beside the gallery without any template of hers (leave one
person out).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.intervals import Rate
from pipeline.messages import Vectors

Owners: TypeAlias = NDArray[np.intp]
"""[n], of each template the number of its person."""

NONE = -2.0
"""Less than any cosine: there is no such template."""
_BLOCK = 1 << 19
"""Similarities that are looked at at once: about 2 ms, in which the interpreter may be held."""


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Beside each probe, [n]: the best other template of its person, and of anybody else.

    ``own`` and ``other`` are similarities, ``NONE`` where there is no such template; ``own_at`` and
    ``other_at`` the rows they are in.
    """

    own: NDArray[np.float32]
    own_at: NDArray[np.intp]
    other: NDArray[np.float32]
    other_at: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Identification:
    """What a threshold does in a search whose nearest person is the answer (rank 1).

    ``fpir`` of the strangers find somebody: FPIR(N, T). ``fnir`` of the enrolled do not find
    themselves: they lie below the threshold, or somebody else is as near: FNIR(N, 1, T).
    ``enrolled`` is N, the people in the gallery, of whom one is missing when it is searched for a
    stranger.
    """

    threshold: float
    enrolled: int
    fpir: Rate
    fnir: Rate


def blocks(count: int) -> Iterator[slice]:
    """The rows of ``count`` templates, as many at once as can be compared with all in one step."""
    step = max(1, _BLOCK // max(1, count))
    return (slice(at, min(at + step, count)) for at in range(0, count, step))


def neighbours_in(similarities: NDArray[np.float32], owners: Owners, rows: slice) -> Neighbours:
    """The neighbours of the probes in ``rows``; their similarities with all are [rows, n]."""
    probes = np.arange(rows.start, rows.stop)
    same = owners[rows, None] == owners
    other = np.where(same, np.float32(NONE), similarities)
    own = np.where(same, similarities, np.float32(NONE))
    own[probes - rows.start, probes] = NONE
    own_at, other_at = own.argmax(1), other.argmax(1)
    return Neighbours(own.max(1), own_at, other.max(1), other_at)


def neighbours(vectors: Vectors, owners: Owners) -> Neighbours:
    """The same of all templates [n, dimension], block by block: never n times n numbers at once."""
    parts = [
        neighbours_in(vectors[rows] @ vectors.T, owners, rows) for rows in blocks(len(vectors))
    ]
    return joined(parts)


def joined(parts: Sequence[Neighbours]) -> Neighbours:
    """Neighbours of consecutive rows in one piece."""
    if not parts:
        nobody, nowhere = np.zeros(0, np.float32), np.zeros(0, np.intp)
        return Neighbours(nobody, nowhere, nobody, nowhere)
    return Neighbours(
        np.concatenate([part.own for part in parts]),
        np.concatenate([part.own_at for part in parts]),
        np.concatenate([part.other for part in parts]),
        np.concatenate([part.other_at for part in parts]),
    )


def identification(near: Neighbours, owners: Owners, threshold: float) -> Identification:
    """FPIR and FNIR at a threshold."""
    enrolled = near.own > NONE
    missed = enrolled & missing(near, threshold)
    searched = near.other > NONE
    return Identification(
        threshold=threshold,
        enrolled=len(np.unique(owners)),
        fpir=Rate.of(int((near.other[searched] >= threshold).sum()), int(searched.sum())),
        fnir=Rate.of(int(missed.sum()), int(enrolled.sum())),
    )


def missing(near: Neighbours, threshold: float) -> NDArray[np.bool_]:
    """Which probes [n] do not find their own person: too far, or not nearer than somebody else."""
    return (near.own < threshold) | (near.other >= near.own)
