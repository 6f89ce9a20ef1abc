"""The gallery as a whole: how large it is, and whether its index holds what it should."""

from fastapi import APIRouter

from api.http.routes.dependencies import Body, ServicesDep, SignedIn

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
async def rebuild(_: SignedIn, services: ServicesDep) -> RebuiltOut:
    """Make the index anew from the database; nobody is recognized meanwhile."""
    rebuilt = await services.index.rebuild()
    return RebuiltOut(faces=rebuilt.faces, seconds=round(rebuilt.seconds, 3))


@router.post("/verify")
async def verify(_: SignedIn, services: ServicesDep) -> ComparisonOut:
    """Compare the index with the database, face by face."""
    found = await services.index.compare()
    return ComparisonOut(
        well=not found.missing and not found.surplus,
        missing=list(found.missing),
        surplus=list(found.surplus),
    )
