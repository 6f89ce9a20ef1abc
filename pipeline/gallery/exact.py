"""A gallery in memory, compared one by one: exact, and fast while it fits."""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BadInput
from pipeline.messages import EnrolledFace, FaceId, Match, PersonId, Vector, Vectors

_NEAREST = 16
"""People told for each probe."""
_SETS = 256
"""Sets that rows are divided into to find the best ones without sorting all."""
_INLINE = 1 << 20
"""Multiplications of a search that is done on the spot: 0.2 ms. Longer ones have a thread."""
_ROWS = 64
"""Rows there is room for at first."""


class ExactGallery:
    """Searches by the cosine with every template; nothing outlives it.

    Numpy, not faiss: 27 against 21 microseconds for 500 templates of 128 numbers, 8 ms against 4
    for 50,000 of 512, each on one core, and a person's best template needs no second search.

    Args:
        dimension: of the vectors.
    """

    def __init__(self, dimension: int) -> None:
        self._vectors: Vectors = np.zeros((_ROWS, dimension), np.float32)
        self._owners: NDArray[np.intp] = np.zeros(_ROWS, np.intp)
        """Of each row the place of its person in ``_people``."""
        self._faces: list[FaceId] = []
        self._rows: dict[FaceId, int] = {}
        self._people = _People()
        self._removals = 0

    def __len__(self) -> int:
        return len(self._faces)

    async def add(self, faces: Sequence[EnrolledFace]) -> None:
        """Keep these templates; a face that is there already is replaced.

        Raises:
            BadInput: a vector of another dimension, or with numbers that are none.
        """
        for face in faces:
            self._check(face.vector, face.face)
        for face in faces:
            self._remove(face.face)
            self._add(face)

    async def remove(self, faces: Sequence[FaceId]) -> None:
        """Forget these templates; an unknown id is no error."""
        for face in faces:
            self._remove(face)

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector the 16 people nearest to it, nearest first, each by her best template.

        Raises:
            BadInput: a vector of another dimension, or with numbers that are none.
        """
        if vectors.shape[1:] != self._vectors.shape[1:] or not np.isfinite(vectors).all():
            for vector in vectors:
                self._check(vector, "a probe")
        if not self._faces or not len(vectors):
            return [[] for _ in vectors]
        if len(vectors) * len(self) * vectors.shape[1] <= _INLINE:
            return self._search(vectors)
        while True:  # rows move when one is removed
            removals = self._removals
            found = await asyncio.to_thread(self._search, vectors)
            if removals == self._removals:
                return found

    def _add(self, face: EnrolledFace) -> None:
        row = len(self)
        if row == len(self._vectors):  # new arrays: a search under way keeps the old ones
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._owners = np.concatenate([self._owners, np.zeros_like(self._owners)])
        self._vectors[row], self._owners[row] = face.vector, self._people.enter(face.person)
        self._faces.append(face.face)
        self._rows[face.face] = row

    def _remove(self, face: FaceId) -> None:
        """The last row takes the place of the one that goes."""
        row = self._rows.pop(face, None)
        if row is None:
            return
        self._removals += 1
        self._people.leave(int(self._owners[row]))
        last = self._faces.pop()
        if last != face:
            self._vectors[row], self._owners[row] = (
                self._vectors[len(self)],
                self._owners[len(self)],
            )
            self._faces[row] = last
            self._rows[last] = row

    def _search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        owners, names = self._owners, self._people.names
        table = _Table(self._vectors[: len(self._faces)] @ vectors.T)
        return [_nearest(table, probe, owners, names) for probe in range(len(vectors))]

    def _check(self, vector: Vector, whose: str) -> None:
        dimension = self._vectors.shape[1]
        if vector.shape != (dimension,) or not np.isfinite(vector).all():
            raise BadInput(
                f"{whose}: no vector of {dimension} finite numbers but of {vector.shape}"
            )


class _People:
    """A number for everyone who has a template, used again when the last one is gone."""

    def __init__(self) -> None:
        self.names: list[PersonId] = []
        self._numbers: dict[PersonId, int] = {}
        self._templates: list[int] = []
        self._free: list[int] = []

    def enter(self, person: PersonId) -> int:
        number = self._numbers.get(person)
        if number is None:
            number = self._numbers[person] = self._place(person)
        self._templates[number] += 1
        return number

    def leave(self, number: int) -> None:
        self._templates[number] -= 1
        if not self._templates[number]:
            del self._numbers[self.names[number]]
            self._free.append(number)

    def _place(self, person: PersonId) -> int:
        if self._free:
            number = self._free.pop()
            self.names[number] = person
            return number
        self.names.append(person)
        self._templates.append(0)
        return len(self.names) - 1


class _Table:
    """Similarities, [templates, probes], of which the highest are found without sorting all.

    Rows are dealt out to 256 sets, of which each has its highest ones, its peaks.
    """

    def __init__(self, similarities: Vectors) -> None:
        self._all = similarities
        count, probes = similarities.shape
        depth = count // _SETS
        self._dealt = similarities[: depth * _SETS].reshape(depth, _SETS, probes)
        self._rest = similarities[depth * _SETS :]
        self._peaks = self._dealt.max(axis=0) if depth else None

    def best(self, probe: int, wanted: int) -> tuple[NDArray[np.intp], Vector]:
        """The rows with the highest similarities to a probe, and these.

        So many rows at the least, and not many more: ``wanted`` peaks are not below the lowest of
        these, so whatever is below that is not wanted. All rows where there are few.
        """
        if self._peaks is None or wanted >= _SETS:
            return np.arange(len(self._all)), self._all[:, probe]
        peaks = self._peaks[:, probe]
        floor = np.partition(peaks, _SETS - wanted)[_SETS - wanted]
        sets = np.flatnonzero(peaks >= floor)
        depths, among = np.nonzero(self._dealt[:, sets, probe] >= floor)
        rest = np.flatnonzero(self._rest[:, probe] >= floor)
        rows = np.concatenate(
            [depths * _SETS + sets[among], len(self._all) - len(self._rest) + rest]
        )
        return rows, self._all[rows, probe]


def _nearest(
    table: _Table, probe: int, owners: NDArray[np.intp], people: Sequence[PersonId]
) -> Sequence[Match]:
    """Each person once, by the best of her templates; the nearest ones, nearest first.

    As soon as the best rows are of 16 people, nobody else can be nearer than the last of these.
    """
    wanted = _NEAREST
    while True:
        rows, similarities = table.best(probe, wanted)
        found = _distinct(similarities, owners[rows])
        if len(found) == _NEAREST or wanted >= _SETS:
            return [Match(people[owner], similarity) for owner, similarity in found]
        wanted *= 4


def _distinct(similarities: Vector, owners: NDArray[np.intp]) -> Sequence[tuple[int, float]]:
    """The first 16 owners, each with the highest of its similarities, highest first."""
    found: dict[int, float] = {}
    order = np.argsort(-similarities, kind="stable")
    best, theirs = similarities[order].tolist(), owners[order].tolist()
    for owner, similarity in zip(theirs, best, strict=True):
        if owner not in found:
            found[owner] = similarity
            if len(found) == _NEAREST:
                break
    return list(found.items())
