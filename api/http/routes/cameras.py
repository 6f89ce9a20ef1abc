"""The cameras: which there are, how they are, and what they show."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response, status
from fastapi.responses import StreamingResponse
from pydantic import SecretStr, StringConstraints, WithJsonSchema

from api.http.routes.camera_options import ALL_DEFAULT, OptionsChange
from api.http.routes.camera_streams import RTSP_URL, StreamsIn, StreamsOut
from api.http.routes.dependencies import (
    CONFLICT,
    Administrator,
    Body,
    Name,
    ServicesDep,
    SignedIn,
)
from api.http.services import Services
from api.live.roles import RoleStatus
from api.live.snapshots import next_picture, next_result, with_boxes
from api.live.streams import StreamStatus
from api.live.video import Picture
from api.live.wire import CameraState, LoadMessage
from api.store.messages import Camera
from ingest.address import CameraAddress, CameraUrl, WhipAddress, camera_address
from ingest.fleet import CameraSpec
from ingest.options import DEFAULTS, CameraOptions, go_together
from ingest.roles import StreamRole, Streams
from ingest.source import State
from ingest.troubles import Cause
from pipeline.errors import BadInput, FaceapiError, Transient
from pipeline.messages import CameraId

_FURTHER = (StreamRole.VIEW, StreamRole.DETAIL)
Responses = dict[int | str, dict[str, Any]]

router = APIRouter(prefix="/cameras", tags=["cameras"])

_PATIENCE = 5.0
"""Seconds for a snapshot."""
_SHOWS_NOTHING = (State.WAITING, State.FAILED)
"""Who is in these is not waited for."""
_JPEG: Responses = {200: {"content": {"image/jpeg": {}}}}
_VIDEO: Responses = {200: {"content": {"multipart/x-mixed-replace": {}}}}

Address = Annotated[
    SecretStr,
    StringConstraints(min_length=1, max_length=2000),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 2000,
            "pattern": f"^(whip:|{RTSP_URL})$",
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
    options: CameraOptions = DEFAULTS
    streams: StreamsIn = StreamsIn()


class CameraChange(Body):
    """What is to be another; what is left out stays.

    Options that are null are as at first, streams that are null are no more. Another address,
    transport or decoder is tried first. If nothing can be seen so in ten seconds, nothing is
    changed, and the problem says why; ``force`` takes it untried.
    """

    name: Name | None = None
    url: Address | None = None
    enabled: bool | None = None
    options: OptionsChange | None = None
    streams: StreamsIn | None = None
    force: bool | None = None

    @property
    def changed_options(self) -> Mapping[str, object]:
        """Which options are to be what; None: their default."""
        if self.options is None:
            return ALL_DEFAULT if "options" in self.model_fields_set else {}
        return self.options.fields

    @property
    def changed_streams(self) -> Mapping[StreamRole, SecretStr | None]:
        """Which streams are to have which address; None: they are no more."""
        if self.streams is None:
            return dict.fromkeys(_FURTHER) if "streams" in self.model_fields_set else {}
        return self.streams.sent


class CameraToCheck(Body):
    """An address that is to be tried, rtsp or rtsps, with the options it is to have."""

    url: Address
    options: CameraOptions = DEFAULTS


class CheckedCamera(Body):
    """What can be seen there; sizes in pixels, rates a second, times in seconds.

    ``bit_rate`` and ``key_interval`` (from one key picture to the next) are null where they were
    not seen. ``first_picture`` is how long it took from before the connection to the first picture,
    ``clock_skew`` how far the camera's clock is ahead, null where it tells no time. ``picture`` is
    the first one, masked: a JPEG in base64.
    """

    codec: str
    width: int
    height: int
    pictures_per_second: float
    bit_rate: float | None
    key_interval: float | None
    first_picture: float
    clock_skew: float | None
    picture: Annotated[str, WithJsonSchema({"type": "string", "contentEncoding": "base64"})]


class CameraOut(Body):
    """A camera; *** stands in its address where a password is. ``since`` is in Unix seconds.

    ``load`` is there where it is overloaded, ``cause`` where something is wrong with the camera.
    State and ``stream`` are the analysed stream's; ``roles`` says how each further one is.
    """

    id: str
    name: str
    url: str
    enabled: bool
    options: CameraOptions
    streams: StreamsOut
    state: CameraState
    reason: str
    since: float | None
    load: LoadMessage | None
    cause: Cause | None
    stream: StreamStatus | None
    roles: list[RoleStatus]
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
    streams = await _further(body.streams.sent, services)
    camera = await services.cameras.add(
        body.name,
        url,
        enabled=body.enabled,
        options=body.options,
        streams=Streams().changed(streams),
    )
    await _take_effect(camera, services)
    return _out(camera, services)


@router.post("/check")
async def check(body: CameraToCheck, _: Administrator, services: ServicesDep) -> CheckedCamera:
    """Try an address before anything is saved: what comes from there, and a picture.

    It takes a few seconds, 20 at the most. A camera that shows nothing is a problem with its
    ``cause``. Four at once are tried.
    """
    url = await _address(body.url, services)
    if not isinstance(url, CameraUrl):
        raise BadInput("a camera that publishes by itself cannot be tried: only rtsp and rtsps")
    go_together(url, body.options)
    checked = await services.engine.check(url, body.options)
    picture = base64.b64encode(checked.jpeg).decode()
    return CheckedCamera(**asdict(checked.video), picture=picture)


async def _camera(camera: UUID, _: SignedIn, services: ServicesDep) -> Camera:
    """A camera that is there.

    Raises:
        NotFound: there is none of this id.
    """
    return await services.cameras.get(CameraId(str(camera)))


One = Annotated[Camera, Depends(_camera)]


@router.get("/{camera:uuid}")
async def get(camera: One, services: ServicesDep) -> CameraOut:
    """One camera with its state."""
    return _out(camera, services)


@router.patch("/{camera:uuid}", responses=CONFLICT)
async def change(
    _: Administrator, camera: One, body: CameraChange, services: ServicesDep
) -> CameraOut:
    """Change a camera; it takes effect at once, and no other camera is disturbed.

    By another address, transport or decoder it is watched from the first picture on that comes so:
    until then it is watched as it was, and goes on so if none comes.
    """
    wanted = await _wanted(camera, body, services)
    is_watched = camera.enabled and body.enabled is not False
    if is_watched and not body.force and _is_to_be_tried(camera, wanted):
        await services.engine.exchange(_spec(wanted))
    try:
        changed = await services.cameras.change(
            camera.id,
            name=body.name,
            url=wanted.url if body.url else None,
            enabled=body.enabled,
            options=body.changed_options,
            streams={role: wanted.streams.by_role.get(role) for role in body.changed_streams},
        )
    except FaceapiError:
        await _take_effect(camera, services)  # as it is kept
        raise
    await _take_effect(changed, services)
    return _out(changed, services)


@router.delete("/{camera:uuid}", status_code=status.HTTP_204_NO_CONTENT)
async def remove(_: Administrator, camera: One, services: ServicesDep) -> None:
    """Watch a camera no more, and forget its address."""
    await services.cameras.remove(camera.id)
    await services.engine.remove(camera.id)


@router.get("/{camera}/snapshot", response_class=Response, responses=_JPEG)
async def snapshot(camera: One, services: ServicesDep, boxes: bool = False) -> Response:
    """The next picture that is analysed; a camera that shows nothing is a problem that says why.

    No older one is shown in its place: a picture is of now, or there is none. With ``boxes`` there
    is one around each face, green where it is known.
    """
    now = services.engine.state(camera.id)
    if now is None or now.state in _SHOWS_NOTHING:
        raise _shows_nothing(camera, services)
    try:
        async with asyncio.timeout(_PATIENCE):
            picture = await _snapshot(camera.id, services, boxes=boxes)
    except (TimeoutError, StopAsyncIteration):
        raise _shows_nothing(camera, services) from None
    return Response(picture.jpeg, media_type="image/jpeg", headers=_headers(picture))


async def _snapshot(camera: CameraId, services: Services, *, boxes: bool) -> Picture:
    if not boxes:
        return await next_picture(services.results, camera)
    picture, result = await next_result(services.results, camera)
    return replace(picture, jpeg=await asyncio.to_thread(with_boxes, picture, result))


def _shows_nothing(camera: Camera, services: Services) -> Transient:
    now = _out(camera, services)
    said = f"camera {camera.name} shows no picture: it is {now.state}"
    if now.since is not None:
        said += f" since {datetime.fromtimestamp(now.since, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return Transient(f"{said}: {now.reason}" if now.reason else said)


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


async def _further(
    texts: Mapping[StreamRole, SecretStr | None], services: Services
) -> Mapping[StreamRole, CameraUrl | None]:
    """Addresses of further streams, each checked as a camera's.

    Raises:
        BadInput: one cannot be used; it says which.
    """
    found: dict[StreamRole, CameraUrl | None] = {}
    for role, text in texts.items():
        try:
            url = await _address(text, services) if text else None
        except BadInput as error:
            raise BadInput(f"streams.{role}: {error}") from None
        if isinstance(url, WhipAddress):
            raise BadInput(f"streams.{role}: nobody can publish it; allowed are rtsp and rtsps")
        found[role] = url
    return found


async def _wanted(camera: Camera, body: CameraChange, services: Services) -> Camera:
    """A camera as it is to be.

    Raises:
        BadInput: that cannot be.
    """
    url = await _address(body.url, services) if body.url else camera.url
    options = camera.options.changed(body.changed_options)
    streams = camera.streams.changed(await _further(body.changed_streams, services))
    streams.beside(url)
    for address in (url, *streams.by_role.values()):
        go_together(address, options)
    return replace(camera, url=url, options=options, streams=streams)


def _is_to_be_tried(camera: Camera, wanted: Camera) -> bool:
    """Whether it is connected in another way, of which it is not known that anything comes."""
    before, after = (
        (one.url, one.options.transport, one.options.decoder) for one in (camera, wanted)
    )
    return before != after


async def _take_effect(camera: Camera, services: Services) -> None:
    if camera.enabled:
        await services.engine.put(_spec(camera))
    else:
        await services.engine.remove(camera.id)


def _spec(camera: Camera) -> CameraSpec:
    return CameraSpec(camera.id, camera.url, camera.options, camera.streams)


def _out(camera: Camera, services: Services) -> CameraOut:
    now = services.engine.state(camera.id)
    idle: CameraState = State.CONNECTING if camera.enabled else "disabled"
    return CameraOut(
        id=camera.id,
        name=camera.name,
        url=str(camera.url),
        enabled=camera.enabled,
        options=camera.options,
        streams=StreamsOut.of(camera.streams),
        state=now.state if now else idle,
        reason=now.reason if now else "",
        since=now.since if now else None,
        load=now.load if now else None,
        cause=now.cause if now else None,
        stream=services.engine.stream(camera.id),
        roles=list(services.engine.roles(camera.id)),
        created_at=camera.created_at,
    )
