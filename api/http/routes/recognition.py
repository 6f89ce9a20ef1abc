"""Single pictures: where are faces, who are they, are two the same?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter, UploadFile

from api.http.routes.dependencies import Body, ServicesDep, SignedIn, Upload
from api.http.services import Services
from pipeline.counterexamples import believable
from pipeline.messages import DetectedFace, Flaw, Image, Match

router = APIRouter(tags=["recognition"])

_MOST_CANDIDATES = 5


class Found(Body):
    """A face: box as left, top, width, height, and five points, in pixels of the picture.

    The points are the eye on the picture's left, the other eye, nose tip, left and right mouth
    corner. The score is the detector's own, 0 to 1, and no probability.
    """

    box: tuple[float, float, float, float]
    points: list[tuple[float, float]]
    detection_score: float


class Detection(Body):
    """The faces of a picture; width and height are its own, in pixels."""

    width: int
    height: int
    faces: list[Found]


class Candidate(Body):
    """Somebody of the gallery; similarity by the pack's metric, no probability."""

    person: str
    name: str | None
    similarity: float


class Recognized(Found):
    """A face, and whom it resembles.

    ``person`` is set if the nearest one reaches the threshold; ``ignored`` if that is somebody who
    is never told. ``flaw`` says why a face was not compared.
    """

    flaw: str | None
    ignored: bool
    person: str | None
    name: str | None
    similarity: float | None
    candidates: list[Candidate]


class Recognition(Body):
    """The faces of a picture; ``threshold`` is the similarity from which somebody is named."""

    width: int
    height: int
    threshold: float
    faces: list[Recognized]


class Verification(Body):
    """Whether two photographs show the same person: the similarity reaches the threshold."""

    same: bool
    similarity: float
    threshold: float


@router.post("/detect")
async def detect(image: Upload, _: SignedIn, services: ServicesDep) -> Detection:
    """Find the faces of a picture."""
    picture = await _picture(image, services)
    faces = await services.analyzer.detect(picture)
    height, width = picture.shape[:2]
    return Detection(width=width, height=height, faces=[_found(face) for face in faces])


@router.post("/recognize")
async def recognize(image: Upload, _: SignedIn, services: ServicesDep) -> Recognition:
    """Find the faces of a picture and name them, by this one look."""
    picture = await _picture(image, services)
    faces = await services.analyzer.detect(picture)
    described = await services.analyzer.extract(picture, faces)
    vectors = [one.vector for one in described if not isinstance(one, Flaw)]
    matches = iter(await services.index.search(np.stack(vectors)) if vectors else [])
    height, width = picture.shape[:2]
    return Recognition(
        width=width,
        height=height,
        threshold=services.threshold,
        faces=[
            _recognized(face, [], services, one)
            if isinstance(one, Flaw)
            else _recognized(face, next(matches), services)
            for face, one in zip(faces, described, strict=True)
        ],
    )


@router.post("/verify")
async def verify(first: Upload, second: Upload, _: SignedIn, services: ServicesDep) -> Verification:
    """Compare the one face of each of two photographs."""
    similarity = await services.enrollment.similarity(await first.read(), await second.read())
    return Verification(
        same=similarity >= services.threshold,
        similarity=round(similarity, 4),
        threshold=services.threshold,
    )


async def _picture(image: UploadFile, services: Services) -> Image:
    return await services.analyzer.read(await image.read())


def _found(face: DetectedFace) -> Found:
    return Found(**_place(face))


def _recognized(
    face: DetectedFace, matches: Sequence[Match], services: Services, flaw: Flaw | None = None
) -> Recognized:
    directory, likely = services.directory, believable(matches)
    nearest = likely[0] if likely else None
    reached = nearest is not None and nearest.similarity >= services.threshold
    ignored = nearest is not None and directory.ignores(nearest.person)
    candidates = [
        Candidate(
            person=match.person,
            name=directory.name(match.person),
            similarity=round(match.similarity, 4),
        )
        for match in likely[:_MOST_CANDIDATES]
        if not directory.ignores(match.person)
    ]
    named = candidates[0] if reached and not ignored else None
    return Recognized(
        **_place(face),
        flaw=flaw,
        ignored=reached and ignored,
        person=named.person if named else None,
        name=named.name if named else None,
        similarity=None if nearest is None else round(nearest.similarity, 4),
        candidates=candidates,
    )


def _place(face: DetectedFace) -> dict[str, Any]:
    box = face.box
    return {
        "box": tuple(round(value, 1) for value in (box.x, box.y, box.width, box.height)),
        "points": [(round(float(x), 1), round(float(y), 1)) for x, y in face.points],
        "detection_score": round(face.score, 4),
    }
