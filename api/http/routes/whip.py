"""Publishing to a camera by WebRTC, as WHIP has it (RFC 9725)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response, Security, status
from starlette.exceptions import HTTPException

from api.http.auth.publishing import digest, is_key, new_key, opens
from api.http.auth.tokens import NotSignedIn
from api.http.routes.cameras import One
from api.http.routes.dependencies import (
    ADMINISTRATOR,
    CONFLICT,
    Administrator,
    Body,
    PerhapsSignedIn,
    ServicesDep,
    Token,
    administrator,
    signed_in,
)
from api.http.routes.sdp import ANSWERS, BODY, Offer, accepted, created
from api.live.ice import ice_of
from api.store.messages import Camera, Conflict
from ingest.address import WHIP, WhipAddress
from pipeline.messages import CameraId

router = APIRouter(prefix="/cameras/{camera}", tags=["cameras"])


class PublishingKey(Body):
    """A bearer token that opens one camera to a publisher, and nothing else; shown only now."""

    key: str


class PublishingKeyOut(Body):
    """Whether a key opens this camera to a publisher; the key itself is not kept."""

    is_set: bool


@router.post("/publishing-key", status_code=status.HTTP_201_CREATED, responses=CONFLICT)
async def publishing_key(_: Administrator, camera: One, services: ServicesDep) -> PublishingKey:
    """Make a key for whoever publishes to this camera; the one before opens nothing any more."""
    _check(camera)
    key = new_key()
    await services.cameras.set_publishing_key(camera.id, digest(key))
    return PublishingKey(key=key)


@router.get("/publishing-key")
async def has_publishing_key(
    _: Administrator, camera: One, services: ServicesDep
) -> PublishingKeyOut:
    """Whether there is a key for whoever publishes to this camera."""
    return PublishingKeyOut(is_set=await services.cameras.publishing_key(camera.id) is not None)


@router.delete("/publishing-key", status_code=status.HTTP_204_NO_CONTENT)
async def remove_publishing_key(_: Administrator, camera: One, services: ServicesDep) -> None:
    """Let no key open this camera any more; who publishes now may go on until they end."""
    await services.cameras.set_publishing_key(camera.id, None)


async def _publishes(camera: UUID, token: Token, services: ServicesDep) -> Camera:
    """The camera, for an administrator, or whoever has its own key.

    Raises:
        NotSignedIn: neither.
        NotAllowed: a viewer.
        NotFound: there is none of this id.
    """
    identifier = CameraId(str(camera))
    if token is None or not is_key(token):
        await administrator(await signed_in(services, token))
    elif not opens(token, await services.cameras.publishing_key(identifier)):
        raise NotSignedIn("this publishing key opens no such camera: make a new one")
    return await services.cameras.get(identifier)


Published = Annotated[Camera, Security(_publishes, scopes=[ADMINISTRATOR])]


@router.post("/whip", status_code=status.HTTP_201_CREATED, responses=ANSWERS, openapi_extra=BODY)
async def publish(camera: Published, offer: Offer, services: ServicesDep) -> Response:
    """Publish to a camera whose address is whip: an offer to send video is answered."""
    _check(camera)
    if not camera.enabled:
        raise Conflict(f"camera {camera.name} is disabled")
    ice = ice_of(services.settings)
    publication = await services.engine.publish(camera.id, offer, ice)
    location = f"{services.settings.api.v1_str}/cameras/{camera.id}/whip/{publication.session}"
    return created(location, publication.answer, ice.servers)


@router.options("/whip", status_code=status.HTTP_204_NO_CONTENT)
async def options(
    camera: UUID,  # noqa: ARG001 - it is the same for each
    user: PerhapsSignedIn,
    services: ServicesDep,
) -> Response:
    """What may be posted here, and the STUN and TURN servers to whoever is signed in."""
    return accepted(ice_of(services.settings).servers if user else ())


@router.delete("/whip/{session}")
async def unpublish(camera: Published, session: UUID, services: ServicesDep) -> Response:
    """Publish no more; answered when the connection is gone."""
    await services.engine.unpublish(camera.id, str(session))
    return Response()


@router.patch("/whip/{session}", include_in_schema=False)
async def trickle(camera: UUID, session: UUID) -> Response:  # noqa: ARG001 - it is refused anywhere
    """Refuse candidates and restarts, as RFC 9725 (4.3) has it for those who take neither."""
    raise HTTPException(
        status.HTTP_405_METHOD_NOT_ALLOWED,
        "no trickle ICE and no ICE restarts here: offer all candidates at once",
    )


def _check(camera: Camera) -> None:
    if not isinstance(camera.url, WhipAddress):
        raise Conflict(
            f"camera {camera.name} is fetched from {camera.url}: one whose address is {WHIP} is"
            " published to"
        )
