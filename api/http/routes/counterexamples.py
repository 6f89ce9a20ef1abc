"""Photographs of people who are not somebody, though they were taken for her."""

from uuid import UUID

from fastapi import APIRouter, status

from api.http.routes.dependencies import Administrator, ServicesDep, Upload
from api.http.routes.faces import FaceOut, FacesOut, Somebody, face_out
from pipeline.messages import FaceId

router = APIRouter(prefix="/people/{person}/counterexamples", tags=["faces"])


@router.post("", status_code=status.HTTP_201_CREATED)
async def add(_: Administrator, person: Somebody, image: Upload, services: ServicesDep) -> FaceOut:
    """Say that the one face of a photograph is not this person's.

    Whoever resembles it more than her own faces is not taken for her any more.
    """
    return face_out(await services.enrollment.add_counterexample(person, await image.read()))


@router.get("")
async def counterexamples(person: Somebody, services: ServicesDep) -> FacesOut:
    """The faces that are not hers, oldest first; their pictures are found like those of faces."""
    found = await services.faces.of(person, counter=True)
    return FacesOut(items=[face_out(face) for face in found])


@router.delete("/{face}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(_: Administrator, person: Somebody, face: UUID, services: ServicesDep) -> None:
    """Forget a counter-example."""
    await services.enrollment.remove_face(person, FaceId(str(face)))
