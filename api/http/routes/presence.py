"""Who is on which camera now?"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.http.routes.dependencies import Body, ServicesDep, SignedIn
from api.live.wire import PresenceMessage
from pipeline.messages import CameraId

router = APIRouter(prefix="/presence", tags=["live"])


class PresentOut(Body):
    """Somebody on a camera; ``presence`` is the number by which the websocket tells of it.

    ``since`` and ``last_seen`` are when the first and the last frame that named them were exposed,
    in Unix seconds.
    """

    camera: str
    presence: int
    person: str
    name: str
    since: float
    last_seen: float


class PresenceOut(Body):
    """Everyone who is there now; nobody has left who was seen within live.leave_after seconds."""

    items: list[PresentOut]


@router.get("")
async def present(
    _: SignedIn,
    services: ServicesDep,
    camera: Annotated[UUID | None, Query(description="Only this one; left out: all.")] = None,
) -> PresenceOut:
    """Who is on which camera now; what happens from here on tells the websocket."""
    cameras = None if camera is None else {CameraId(str(camera))}
    return PresenceOut(items=[_out(one) for one in services.results.present(cameras)])


def _out(one: PresenceMessage) -> PresentOut:
    return PresentOut(
        camera=one.camera,
        presence=one.presence,
        person=one.person or "",
        name=one.name or "",
        since=one.since,
        last_seen=one.last_seen,
    )
