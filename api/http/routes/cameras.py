"""The cameras: which there are, how they are, and what they show."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status
from fastapi.responses import StreamingResponse
from pydantic import SecretStr, StringConstraints, WithJsonSchema

from api.http.routes.dependencies import (
    CONFLICT,
    Administrator,
    Body,
    Name,
    ServicesDep,
    SignedIn,
)
from api.http.services import Services
from api.live.streams import StreamStatus
from api.live.video import Picture
from api.live.wire import CameraState, LoadMessage
from api.store.messages import Camera
from ingest.address import CameraAddress, CameraUrl, camera_address
from ingest.fleet import CameraSpec
from ingest.source import State
from ingest.troubles import Cause
from pipeline.errors import Transient
from pipeline.messages import CameraId

Responses = dict[int | str, dict[str, Any]]

router = APIRouter(prefix="/cameras", tags=["cameras"])

_PATIENCE = 5.0
"""Seconds for a snapshot."""
_JPEG: Responses = {200: {"content": {"image/jpeg": {}}}}
_VIDEO: Responses = {200: {"content": {"multipart/x-mixed-replace": {}}}}

_ADDRESS = (
    r"^(whip:|(rtsp|rtsps)://([^@:/?#\s\[\]]+(:[^@:/?#\s\[\]]+)?@)?"
    r"[A-Za-z0-9][A-Za-z0-9.-]*(:[1-9][0-9]{0,3})?(/[^@\s]*)?)$"
)
Address = Annotated[
    SecretStr,
    StringConstraints(min_length=1, max_length=2000),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 2000,
            "pattern": _ADDRESS,
            "writeOnly": True,
            "description": "As cameras' makers write it. A password with @ : / ? # is taken as it"
            " is where nothing else could be meant.",
        }
    ),
]


class NewCamera(Body):
    """A camera to be; the address is rtsp://user:password@host:port/path, or rtsps.

    With the address whip: it connects by itself: it publishes, as WHIP has it.
    """

    name: Name
    url: Address
    enabled: bool = True


class CameraChange(Body):
    """What is to be another; what is left out stays."""

    name: Name | None = None
    url: Address | None = None
    enabled: bool | None = None


class CameraOut(Body):
    """A camera; *** stands in its address where a password is. ``since`` is in Unix seconds.

    ``load`` is there where it is overloaded, ``cause`` where something is wrong with the camera.
    """

    id: str
    name: str
    url: str
    enabled: bool
    state: CameraState
    reason: str
    since: float | None
    load: LoadMessage | None
    cause: Cause | None
    stream: StreamStatus | None
    created_at: datetime


class CamerasOut(Body):
    """All cameras, by name."""

    items: list[CameraOut]


@router.get("")
async def cameras(_: SignedIn, services: ServicesDep) -> CamerasOut:
    """Every camera with its state."""
    return CamerasOut(items=[_out(camera, services) for camera in await services.cameras.all()])


@router.post("", status_code=status.HTTP_201_CREATED, responses=CONFLICT)
async def add(body: NewCamera, _: Administrator, services: ServicesDep) -> CameraOut:
    """Watch a camera from now on."""
    url = await _address(body.url, services)
    camera = await services.cameras.add(body.name, url, enabled=body.enabled)
    await _take_effect(camera, services)
    return _out(camera, services)


async def _camera(camera: UUID, _: SignedIn, services: ServicesDep) -> Camera:
    """A camera that is there.

    Raises:
        NotFound: there is none of this id.
    """
    return await services.cameras.get(CameraId(str(camera)))


One = Annotated[Camera, Depends(_camera)]


@router.get("/{camera}")
async def get(camera: One, services: ServicesDep) -> CameraOut:
    """One camera with its state."""
    return _out(camera, services)


@router.patch("/{camera}", responses=CONFLICT)
async def change(
    _: Administrator, camera: One, body: CameraChange, services: ServicesDep
) -> CameraOut:
    """Change a camera; it takes effect at once, and no other camera is disturbed."""
    changed = await services.cameras.change(
        camera.id,
        name=body.name,
        url=await _address(body.url, services) if body.url else None,
        enabled=body.enabled,
    )
    await _take_effect(changed, services)
    return _out(changed, services)


@router.delete("/{camera}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(_: Administrator, camera: One, services: ServicesDep) -> None:
    """Watch a camera no more, and forget its address."""
    await services.cameras.remove(camera.id)
    await services.engine.remove(camera.id)


@router.get("/{camera}/snapshot", response_class=Response, responses=_JPEG)
async def snapshot(camera: One, services: ServicesDep) -> Response:
    """The next picture that is analysed."""
    async with aclosing(services.results.pictures(camera.id)) as pictures:
        try:
            picture = await asyncio.wait_for(anext(pictures), _PATIENCE)
        except (TimeoutError, StopAsyncIteration):
            raise Transient(
                f"camera {camera.name} shows no picture: it is {_out(camera, services).state}"
            ) from None
    return Response(picture.jpeg, media_type="image/jpeg", headers=_headers(picture))


@router.get("/{camera}/video", response_class=StreamingResponse, responses=_VIDEO)
async def video(camera: One, services: ServicesDep) -> StreamingResponse:
    """The analysed pictures, for as long as one looks; each part says which frame it is."""
    return StreamingResponse(
        _parts(camera.id, services), media_type="multipart/x-mixed-replace; boundary=frame"
    )


async def _parts(camera: CameraId, services: Services) -> AsyncIterator[bytes]:
    async with aclosing(services.results.pictures(camera)) as pictures:
        async for picture in pictures:
            headers = {
                "Content-Type": "image/jpeg",
                "Content-Length": str(len(picture.jpeg)),
                **_headers(picture),
            }
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            yield b"--frame\r\n" + head.encode() + b"\r\n" + picture.jpeg + b"\r\n"


def _headers(picture: Picture) -> dict[str, str]:
    return {
        "X-Seq": str(picture.seq),
        "X-Media-Time": str(picture.media_time),
        "X-Captured-At": f"{picture.captured_at:.6f}",
    }


async def _address(text: SecretStr, services: Services) -> CameraAddress:
    """A camera's address, unless it is one where none may be; its name need not be known yet.

    Raises:
        BadInput: it is no address of a camera, or may not be connected to.
    """
    address = camera_address(text.get_secret_value())
    if isinstance(address, CameraUrl):
        with suppress(Transient):
            await asyncio.to_thread(services.destinations.addresses, address)
    return address


async def _take_effect(camera: Camera, services: Services) -> None:
    if camera.enabled:
        await services.engine.put(CameraSpec(camera.id, camera.url))
    else:
        await services.engine.remove(camera.id)


def _out(camera: Camera, services: Services) -> CameraOut:
    now = services.engine.state(camera.id)
    idle: CameraState = State.CONNECTING if camera.enabled else "disabled"
    return CameraOut(
        id=camera.id,
        name=camera.name,
        url=str(camera.url),
        enabled=camera.enabled,
        state=now.state if now else idle,
        reason=now.reason if now else "",
        since=now.since if now else None,
        load=now.load if now else None,
        cause=now.cause if now else None,
        stream=services.engine.stream(camera.id),
        created_at=camera.created_at,
    )
