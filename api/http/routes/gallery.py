"""The gallery as a whole: how large it is, and whether its index holds what it should."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query

from api.http.routes.dependencies import CONFLICT, Administrator, Body, ServicesDep, SignedIn
from pipeline.evaluation.gallery_check import GalleryReport
from pipeline.messages import PersonId

router = APIRouter(prefix="/gallery", tags=["gallery"])


class GalleryOut(Body):
    """The gallery; the index has followed the log to ``position`` of ``latest`` changes.

    ``similarity`` says in words what the numbers of this pack mean, ``caution`` on whom it is known
    to fail more often; empty where nothing is known.
    """

    people: int
    faces: int
    pack: str
    threshold: float
    similarity: str
    caution: str
    position: int
    latest: int


class RebuiltOut(Body):
    """What a rebuilding made."""

    faces: int
    seconds: float


class ComparisonOut(Body):
    """The index beside the truth; ``missing`` are not in the index, ``surplus`` only there."""

    well: bool
    missing: list[str]
    surplus: list[str]


class CheckOut(Body):
    """What the gallery shows of itself; ``names`` has the people that are mentioned.

    Who is deleted while it is checked may still be mentioned, without a name.
    """

    pack: str
    names: dict[str, str]
    found: GalleryReport


AllowedRate = Annotated[
    float, Query(ge=1e-6, le=0.5, description="False match rate to suggest a threshold for.")
]


@router.get("")
async def gallery(_: SignedIn, services: ServicesDep) -> GalleryOut:
    """How large the gallery is, and what its similarities mean."""
    census = await services.faces.census(services.pack.id)
    return GalleryOut(
        people=census.people,
        faces=census.faces,
        pack=services.pack.id,
        threshold=services.threshold,
        similarity=services.pack.similarity,
        caution=services.pack.caution,
        position=await services.index.position(),
        latest=(await services.changes.head()).number,
    )


@router.post("/rebuild")
async def rebuild(_: Administrator, services: ServicesDep) -> RebuiltOut:
    """Make the index anew from the database; nobody is recognized meanwhile."""
    rebuilt = await services.index.rebuild()
    return RebuiltOut(faces=rebuilt.faces, seconds=round(rebuilt.seconds, 3))


@router.post("/verify")
async def verify(_: Administrator, services: ServicesDep) -> ComparisonOut:
    """Compare the index with the database, face by face."""
    found = await services.index.compare()
    return ComparisonOut(
        well=not found.missing and not found.surplus,
        missing=list(found.missing),
        surplus=list(found.surplus),
    )


@router.post("/check", responses=CONFLICT)
async def check(
    _: Administrator, services: ServicesDep, false_match_rate: AllowedRate = 0.001
) -> CheckOut:
    """Compare every face with every other: odd photographs, likely mistakes, a threshold.

    It changes nothing. It takes seconds for thousands of faces, so it is asked for and not looked
    up.
    """
    found = await services.checker.check(false_match_rate)
    named = {person: services.directory.name(person) for person in _mentioned(found)}
    names = {str(person): name for person, name in named.items() if name is not None}
    return CheckOut(pack=services.pack.id, names=names, found=found)


def _mentioned(found: GalleryReport) -> Iterator[PersonId]:
    """Everyone in a report."""
    yield from (one.person for one in found.missed)
    yield from (one.person for one in found.doubtful)
    yield from (one.other.person for one in found.doubtful if one.other is not None)
    if found.nearest is not None:
        yield from (found.nearest.person, found.nearest.other.person)
