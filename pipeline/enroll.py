"""Photograph -> one good face -> template -> gallery."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.extract import FeatureExtractor
from pipeline.geometry import eye_distance
from pipeline.inference import Lanes
from pipeline.messages import (
    Box,
    DetectedFace,
    EnrolledFace,
    FaceId,
    Flaw,
    Image,
    Vector,
)
from pipeline.photographs import Photograph, find_photographs, loose_files, read_photograph
from pipeline.stages import Detector, Enrolled
from pipeline.warp import square_around, warp

_RIVAL = 1 / 3
"""A face of this part of the largest one's size is a second person; a smaller one, background."""
_MARGIN = 1.7
"""Side of the square that is kept of a face, in sides of its box: hair and chin."""
_CROP = 256
"""Pixels of its side."""


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """The one face of a photograph: its template, and its surroundings for people to look at."""

    template: Vector
    crop: Image


class Enroller:
    """Makes templates from photographs of one person each; her face is the largest.

    ``least_eye_distance`` is in pixels.
    """

    def __init__(
        self,
        lanes: Lanes,
        detector: Detector,
        extractor: FeatureExtractor,
        least_eye_distance: float,
    ) -> None:
        self._lanes = lanes
        self._detector = detector
        self._extractor = extractor
        self._least_eye_distance = least_eye_distance

    async def read(self, photograph: Path | bytes) -> Image:
        """The picture in a file or in its bytes; its decoding takes a lane too.

        Raises:
            BadInput: as of ``read_photograph``.
        """
        return await self._lanes.run(read_photograph, photograph)

    async def portrait(self, photograph: Image) -> Portrait:
        """The one face in ``photograph``.

        Raises:
            BadInput: there is no face, several, or none that is good enough.
        """
        return await self._lanes.run(self._portrait, photograph)

    def _portrait(self, photograph: Image) -> Portrait:
        faces = self._detector.detect(photograph)
        if not faces:
            raise BadInput("no face was found in it; allowed: one face, well lit, from the front")
        largest, *others = sorted(faces, key=lambda face: -eye_distance(face.points))
        rivals = [face for face in others if self._is_rival(face, largest)]
        if rivals:
            raise BadInput(f"{len(rivals) + 1} faces are in it; allowed: one")
        outcome = self._extractor.extract(photograph, largest)
        if isinstance(outcome, Flaw):
            raise BadInput(
                f"its face cannot be used: {outcome}; allowed: at least "
                f"{self._least_eye_distance:g} pixels between the eyes"
            )
        return Portrait(outcome.vector, _crop(photograph, largest.box))

    def _is_rival(self, face: DetectedFace, largest: DetectedFace) -> bool:
        eyes = eye_distance(face.points)
        return eyes >= max(self._least_eye_distance, _RIVAL * eye_distance(largest.points))


async def enroll_folder(
    folder: Path, enroller: Enroller, gallery: Enrolled, tell: Callable[[str], None]
) -> None:
    """Enroll a folder of folders of photographs, a folder a person.

    What is wrong with a photograph is told by its name, and the next one goes on.

    Raises:
        BadInput: there is no such folder.
    """
    faces = []
    for photograph in find_photographs(folder):
        try:
            faces.append(await _enrolled(photograph, enroller))
        except BadInput as error:
            tell(f"{photograph.person}/{photograph.path.name}: {error}")
    for path in loose_files(folder):
        tell(f"{path.name}: lies in no person's folder, and is left out")
    await gallery.add(faces)
    people = len({face.person for face in faces})
    tell(f"gallery: {people} people, {len(faces)} photographs")
    if not people:
        tell("nobody is enrolled: everyone will be unknown")


async def _enrolled(photograph: Photograph, enroller: Enroller) -> EnrolledFace:
    portrait = await enroller.portrait(await enroller.read(photograph.path))
    face = FaceId(f"{photograph.person}/{photograph.path.name}")
    return EnrolledFace(face, photograph.person, portrait.template)


def _crop(photograph: Image, box: Box) -> Image:
    """The face with what surrounds it, [256, 256, 3]; black beyond the photograph."""
    return warp(photograph, square_around(box, _MARGIN, _CROP), (_CROP, _CROP))
