"""A gallery in memory, compared one by one: the reference for every other."""

from collections.abc import Sequence

import numpy as np

from pipeline.gallery.people import nearest_people
from pipeline.messages import EnrolledFace, FaceId, Hit, Match, Vector, Vectors


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
        return [nearest_people(hits) for hits in await self.search_faces(vectors)]

    async def search_faces(self, vectors: Vectors) -> Sequence[Sequence[Hit]]:
        """For each vector every template, nearest first."""
        if not self._faces:
            return [[] for _ in vectors]
        faces = list(self._faces.values())
        table = vectors @ np.stack([face.vector for face in faces]).T
        return [self._hits(faces, row) for row in table]

    def _hits(self, faces: Sequence[EnrolledFace], similarities: Vector) -> Sequence[Hit]:
        hits = [
            Hit(face.face, face.person, float(value))
            for face, value in zip(faces, similarities, strict=True)
        ]
        return sorted(hits, key=lambda hit: -hit.similarity)
