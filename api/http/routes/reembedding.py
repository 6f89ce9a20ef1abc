"""Another model pack for the gallery: asked for, watched, given up."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, status
from pydantic import Field

from api.gallery.reembedding import ReembeddingStatus
from api.http.routes.dependencies import CONFLICT, Administrator, Body, ServicesDep
from api.store.packs import Stage

router = APIRouter(prefix="/gallery/reembedding", tags=["gallery"])

_NONE: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such pack, or no change of it"}
}


class ReembeddingIn(Body):
    """What is to be done; without ``pack`` the configured one is meant (MODEL_PACK).

    With ``leave_behind`` the pack is changed even if somebody is not recognized after it.
    """

    pack: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    leave_behind: bool = False


class ReembeddingChange(Body):
    """Whether people whom the new pack cannot recognize may be left behind."""

    leave_behind: bool


class RefusedOut(Body):
    """A face whose stored photograph the new pack cannot use, and why.

    ``lost``: its person has no other one that it can, and is to be enrolled anew.
    """

    face: str
    person: str
    name: str
    reason: str
    lost: bool


class ReembeddingOut(Body):
    """A change of the pack: of so many ``faces`` ``embedded`` have a template, ``left`` wait.

    People are named by the new pack from ``switching`` on. ``waits_for`` says what keeps it from
    going on, empty if nothing does.
    """

    pack: str
    stage: Stage
    faces: int
    embedded: int
    left: int
    leave_behind: bool
    begun_at: datetime
    ended_at: datetime | None
    waits_for: str
    refused: list[RefusedOut]


@router.post("", status_code=status.HTTP_202_ACCEPTED, responses=CONFLICT | _NONE)
async def begin(body: ReembeddingIn, _: Administrator, services: ServicesDep) -> ReembeddingOut:
    """Make everyone's templates anew by another pack, and name people by it when that is done."""
    begun = await services.reembedder.begin(body.pack, leave_behind=body.leave_behind)
    return _out(begun)


@router.get("", responses=_NONE)
async def reembedding(_: Administrator, services: ServicesDep) -> ReembeddingOut:
    """How far the latest change is, and which faces the pack could not use."""
    return _out(await services.reembedder.status())


@router.patch("", responses=_NONE)
async def change(
    body: ReembeddingChange, _: Administrator, services: ServicesDep
) -> ReembeddingOut:
    """Allow, or forbid, that people are left behind."""
    return _out(await services.reembedder.leave_behind(allowed=body.leave_behind))


@router.delete("", status_code=status.HTTP_204_NO_CONTENT, responses=CONFLICT | _NONE)
async def cancel(_: Administrator, services: ServicesDep) -> None:
    """Give the change up: what was made for it is deleted, people are named as before."""
    await services.reembedder.cancel()


def _out(one: ReembeddingStatus) -> ReembeddingOut:
    return ReembeddingOut(
        pack=one.change.to.id,
        stage=one.change.stage,
        faces=one.tally.faces,
        embedded=one.tally.embedded,
        left=one.tally.left,
        leave_behind=one.change.leave_behind,
        begun_at=one.change.begun_at,
        ended_at=one.change.ended_at,
        waits_for=one.waits_for,
        refused=[
            RefusedOut(
                face=refusal.face,
                person=refusal.person,
                name=refusal.name,
                reason=refusal.reason,
                lost=refusal.lost,
            )
            for refusal in one.refusals
        ],
    )
