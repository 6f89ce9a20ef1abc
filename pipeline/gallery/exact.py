"""A gallery in memory, compared one by one: the reference for every other."""

from collections.abc import Iterable, Sequence

import numpy as np

from pipeline.messages import EnrolledFace, FaceId, Match, PersonId, Vectors


class ExactGallery:
    """Searches by the cosine with every template; nothing outlives it."""

    def __init__(self) -> None:
        self._faces: dict[FaceId, EnrolledFace] = {}

    async def add(self, faces: Sequence[EnrolledFace]) -> None:
        """Keep these templates; a face that is there already is replaced."""
        self._faces |= {face.face: face for face in faces}

    async def remove(self, faces: Sequence[FaceId]) -> None:
        """Forget these templates."""
        for face in faces:
            self._faces.pop(face, None)

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector its nearest people, nearest first."""
        if not self._faces:
            return [[] for _ in vectors]
        faces = list(self._faces.values())
        table = vectors @ np.stack([face.vector for face in faces]).T
        return [
            nearest_people(
                (face.person, float(value)) for face, value in zip(faces, row, strict=True)
            )
            for row in table
        ]


def nearest_people(faces: Iterable[tuple[PersonId, float]]) -> Sequence[Match]:
    """Each person once, by the best of her faces; the nearest first."""
    best: dict[PersonId, float] = {}
    for person, similarity in faces:
        best[person] = max(similarity, best.get(person, similarity))
    return [Match(*item) for item in sorted(best.items(), key=lambda item: -item[1])]
