"""A person's enrolled faces."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, File, Response, UploadFile, status

from api.gallery.enrollment import Duplicate
from api.http.routes.dependencies import Administrator, Body, ServicesDep, SignedIn
from api.http.services import Services
from api.store.messages import StoredFace
from pipeline.errors import BadInput
from pipeline.messages import FaceId, Match, PersonId

router = APIRouter(prefix="/people/{person}/faces", tags=["faces"])


class FaceOut(Body):
    """An enrolled face; width and height are its picture's, in pixels.

    Nobody is recognized by one that is set aside.
    """

    id: str
    person: str
    pack: str
    width: int
    height: int
    created_at: datetime
    set_aside: bool


class FaceChange(Body):
    """What is changed about a face."""

    set_aside: bool


class FacesOut(Body):
    """A person's faces, oldest first."""

    items: list[FaceOut]


class DuplicateOf(Body):
    """Whose face it is already; similarity by the pack's metric."""

    person: str
    name: str | None
    similarity: float


class VerdictOut(Body):
    """What became of one photograph."""

    file: str
    outcome: Literal["enrolled", "refused"]
    face: FaceOut | None = None
    reason: str | None = None
    duplicate_of: DuplicateOf | None = None


class VerdictsOut(Body):
    """One verdict for each photograph, in their order."""

    verdicts: list[VerdictOut]


async def _person(person: UUID, _: SignedIn, services: ServicesDep) -> PersonId:
    """Somebody who is there.

    Raises:
        NotFound: nobody has this id.
    """
    return (await services.people.get(PersonId(str(person)))).id


Somebody = Annotated[PersonId, Depends(_person)]


@router.post("")
async def enroll(
    _: Administrator,
    person: Somebody,
    images: Annotated[list[UploadFile], File(min_length=1, description="One face each.")],
    services: ServicesDep,
) -> VerdictsOut:
    """Enroll photographs; each has a verdict of its own, and a bad one harms no other."""
    return VerdictsOut(verdicts=[await _verdict(person, image, services) for image in images])


@router.get("")
async def faces(person: Somebody, services: ServicesDep) -> FacesOut:
    """The faces by which a person is recognized."""
    return FacesOut(items=[face_out(face) for face in await services.faces.of(person)])


@router.get(
    "/{face}/image", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}}
)
async def image(person: Somebody, face: UUID, services: ServicesDep) -> Response:
    """The picture of an enrolled face."""
    return Response(await services.faces.crop(person, FaceId(str(face))), media_type="image/jpeg")


@router.delete("/{face}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(_: Administrator, person: Somebody, face: UUID, services: ServicesDep) -> None:
    """Delete a face; from the answer on nobody is recognized by it."""
    await services.enrollment.remove_face(person, FaceId(str(face)))


@router.patch("/{face}")
async def change(
    _: Administrator, person: Somebody, face: UUID, body: FaceChange, services: ServicesDep
) -> FaceOut:
    """Set a face aside, or take it back; once aside, nobody is recognized by it."""
    identifier = FaceId(str(face))
    return face_out(await services.enrollment.set_aside(person, identifier, aside=body.set_aside))


async def _verdict(person: PersonId, image: UploadFile, services: Services) -> VerdictOut:
    name = image.filename or ""
    try:
        face = await services.enrollment.enroll(person, await image.read())
    except Duplicate as error:
        other = _duplicate(error.match, services)
        return VerdictOut(file=name, outcome="refused", reason=str(error), duplicate_of=other)
    except BadInput as error:
        return VerdictOut(file=name, outcome="refused", reason=str(error))
    return VerdictOut(file=name, outcome="enrolled", face=face_out(face))


def _duplicate(match: Match | None, services: Services) -> DuplicateOf | None:
    if match is None:
        return None
    name = services.directory.name(match.person)
    return DuplicateOf(person=match.person, name=name, similarity=round(match.similarity, 4))


def face_out(face: StoredFace) -> FaceOut:
    """A face as it is sent."""
    return FaceOut(
        id=face.id,
        person=face.person,
        pack=face.pack,
        width=face.width,
        height=face.height,
        created_at=face.created_at,
        set_aside=face.set_aside,
    )
