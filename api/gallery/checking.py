"""The gallery tests itself: every template beside every other, while everything else goes on."""

import asyncio

from api.store.faces import Faces
from api.store.messages import Conflict
from pipeline.counterexamples import is_counter
from pipeline.errors import BadInput
from pipeline.evaluation.gallery_check import GalleryReport, GalleryStudy
from pipeline.messages import EnrolledFace, PackId

MOST = 20_000
"""Templates; twice as many take four times as long."""
_PAGE = 500
"""Templates opened at once."""


class GalleryChecker:
    """Checks the gallery, one check at a time.

    Args:
        faces: whose templates by ``pack`` are compared; what is set aside is not.
        threshold: similarity from which a person is named.
    """

    def __init__(self, faces: Faces, pack: PackId, threshold: float) -> None:
        self._faces = faces
        self._pack = pack
        self._threshold = threshold
        self._running = asyncio.Lock()

    async def check(self, allowed: float) -> GalleryReport:
        """What the gallery shows of itself as it is now, on a thread and in many short steps.

        Args:
            allowed: the false match rate to suggest a threshold for.

        Raises:
            BadInput: the gallery is too large.
            Conflict: a check is under way.
            Transient: the database is away.
        """
        if self._running.locked():
            raise Conflict("the gallery is being checked already: wait for that answer")
        async with self._running:
            study = await asyncio.to_thread(GalleryStudy, await self._read(), self._threshold)
            for rows in study.blocks:  # between two of them others have their turn, or a stop
                await asyncio.to_thread(study.add, rows)
            return await asyncio.to_thread(study.report, allowed)

    async def _read(self) -> list[EnrolledFace]:
        faces = list[EnrolledFace]()
        async for page in self._faces.pages(self._pack, _PAGE):
            faces += [face for face in page if not is_counter(face.person)]
            if len(faces) > MOST:
                raise BadInput(f"the gallery has more than {MOST} faces: too many for a check")
        return faces
