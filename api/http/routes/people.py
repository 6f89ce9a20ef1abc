"""The people of the gallery."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status
from pydantic import Field

from api.http.routes.dependencies import Administrator, Body, Name, ServicesDep, SignedIn
from api.store.messages import Person
from pipeline.messages import PersonId

router = APIRouter(prefix="/people", tags=["people"])


class PersonIn(Body):
    """What is said of a person."""

    name: Name


class PersonChange(Body):
    """What is to be otherwise; what is left out stays."""

    name: Name | None = None
    ignored: bool | None = Field(
        default=None,
        description=(
            "Whether their faces are told as ignored and never by name. They are recognized all the"
            " same, so that nobody else is taken for them."
        ),
    )


class PersonOut(Body):
    """A person; ``faces`` counts the enrolled ones. One who is ignored is never named."""

    id: str
    name: str
    ignored: bool
    faces: int
    created_at: datetime
    updated_at: datetime


class PeoplePage(Body):
    """Some people, by name; ``next`` goes into ``after`` for those that follow."""

    items: list[PersonOut]
    next: str | None


@router.get("")
async def people(
    _: SignedIn,
    services: ServicesDep,
    query: Annotated[str, Query(max_length=200, description="Part of the name.")] = "",
    after: Annotated[UUID | None, Query(description="The last page's `next`.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> PeoplePage:
    """Everyone whose name contains a text, page by page."""
    start = PersonId(str(after)) if after else None
    page = await services.people.page(query.replace("\0", ""), start, limit)
    return PeoplePage(items=[person_out(one) for one in page.people], next=page.next)


@router.post("", status_code=status.HTTP_201_CREATED)
async def add(body: PersonIn, _: Administrator, services: ServicesDep) -> PersonOut:
    """Make a person, without a face yet."""
    return person_out(await services.enrollment.add_person(body.name))


@router.get("/{person}")
async def get(person: UUID, _: SignedIn, services: ServicesDep) -> PersonOut:
    """One person."""
    return person_out(await services.people.get(PersonId(str(person))))


@router.patch("/{person}")
async def change(
    person: UUID, body: PersonChange, _: Administrator, services: ServicesDep
) -> PersonOut:
    """Give a person another name, or ignore her from now on, or not any more."""
    who, enrollment = PersonId(str(person)), services.enrollment
    if body.name is not None:
        await enrollment.rename(who, body.name)
    if body.ignored is not None:
        await enrollment.ignore(who, ignored=body.ignored)
    return person_out(await services.people.get(who))


@router.delete("/{person}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(person: UUID, _: Administrator, services: ServicesDep) -> None:
    """Delete a person with all faces; from the answer on nobody is recognized as her."""
    await services.enrollment.remove_person(PersonId(str(person)))


def person_out(person: Person) -> PersonOut:
    """A person as it is sent."""
    return PersonOut(
        id=person.id,
        name=person.name,
        ignored=person.ignored,
        faces=person.faces,
        created_at=person.created_at,
        updated_at=person.updated_at,
    )
