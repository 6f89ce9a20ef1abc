"""Live video of a camera by WebRTC, as WHEP has it (draft-ietf-wish-whep)."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response, status

from api.http.routes.cameras import One
from api.http.routes.dependencies import Body, PerhapsSignedIn, ServicesDep
from api.http.routes.sdp import ANSWERS, BODY, Offer, accepted, created
from api.http.services import Services
from api.live.engine import ViewingStatus
from api.live.ice import ice_of
from api.store.messages import Camera, Conflict, NotFound
from ingest.roles import StreamRole
from ingest.source import CONNECTED, State
from pipeline.errors import Transient

router = APIRouter(prefix="/cameras/{camera}/whep", tags=["live"])

Session = Annotated[str, Path(max_length=100)]


class ViewingOut(Body):
    """A session; an RTP timestamp in it is (``rtp_origin`` + media time) modulo 2^32.

    ``rtp_origin`` is null until the viewer has caught up with the camera, within a second or so.
    Pictures of before, which are sent faster than they were taken, are listed in ``caught_up``: the
    RTP timestamp of each and its media time.
    ``encoded`` is false where the pictures are the camera's own, untouched, null before the first.
    ``role`` is what the stream is for that they are of: view, or analyse where there is no other or
    it does not come. ``exact`` is false where results are matched with them by arrival only.
    """

    session: str
    state: Literal["connecting", "connected"]
    rtp_origin: int | None
    encoded: bool | None
    caught_up: Sequence[tuple[int, int]]
    role: StreamRole | None
    exact: bool


@router.post("", status_code=status.HTTP_201_CREATED, responses=ANSWERS, openapi_extra=BODY)
async def watch(camera: One, offer: Offer, services: ServicesDep) -> Response:
    """View a camera: an offer to receive video is answered."""
    _check(camera, services)
    viewing = await services.playback.watch(camera.id, offer)
    location = f"{services.settings.api.v1_str}/cameras/{camera.id}/whep/{viewing.session}"
    return created(location, viewing.answer, ice_of(services.settings).servers)


@router.options("", status_code=status.HTTP_204_NO_CONTENT)
async def options(
    camera: UUID,  # noqa: ARG001 - it is the same for each
    user: PerhapsSignedIn,
    services: ServicesDep,
) -> Response:
    """What may be posted here, and the STUN and TURN servers to whoever is signed in."""
    return accepted(ice_of(services.settings).servers if user else ())


@router.get("/{session}")
async def viewing(camera: One, session: Session, services: ServicesDep) -> ViewingOut:
    """How a session is, and how its timestamps and the results' media times go together."""
    known = _known(camera, session, services)
    return ViewingOut(
        session=session,
        state=known.state,
        rtp_origin=known.rtp_origin,
        encoded=known.encoded,
        caught_up=known.caught_up,
        role=known.role,
        exact=known.exact,
    )


@router.delete("/{session}")
async def end(camera: One, session: Session, services: ServicesDep) -> Response:
    """View no more."""
    _known(camera, session, services)
    await services.playback.end(session)
    return Response()


def _check(camera: Camera, services: Services) -> None:
    """Refuse what would show nothing.

    Raises:
        Conflict: the camera is not watched.
        Transient: it shows nothing just now.
    """
    now = services.engine.state(camera.id)
    if now is None or now.state is State.FAILED:
        why = f"it has failed: {now.reason}" if now else "it is disabled"
        raise Conflict(f"camera {camera.name} cannot be viewed: {why}")
    if now.state not in CONNECTED:
        raise Transient(f"camera {camera.name} shows nothing now: it is {now.state}: {now.reason}")


def _known(camera: Camera, session: str, services: Services) -> ViewingStatus:
    known = services.playback.viewing(session)
    if known is None or known.camera != camera.id:
        raise NotFound("there is no such session; it may be over")
    return known
