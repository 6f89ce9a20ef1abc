"""Cameras with faults on a running service, side by side, and when the service noticed."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from websockets.asyncio.client import connect

from api.command.film import COLLINS, portrait
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import Clip, read_clip, write_clip
from ingest.virtual.requests import Credentials
from pipeline.photographs import read_photograph
from tests.conftest import CAMERA_PASSWORD
from tests.system.service import Service, names

RATE = 5
"""Pictures a second, and one key picture."""
SECRET = CAMERA_PASSWORD + "/+?"
_TRUTH, _BACK = 30.0, 60.0
"""Seconds after which a test gives up."""
Message = dict[str, Any]


def clips(folder: Path) -> Mapping[str, Clip]:
    """Eileen Collins' portrait for two seconds: ``gate``, and smaller as ``yard``."""
    made = {}
    for name, side in (("gate", 384), ("yard", 320)):
        picture = np.asarray(cv2.resize(read_photograph(portrait(COLLINS)), (side, side)), np.uint8)
        write_clip(folder / f"{name}.mp4", [picture] * (2 * RATE), RATE)
        made[name] = read_clip(folder / f"{name}.mp4")
    return made


@dataclass(frozen=True)
class Room:
    """The running service with Collins enrolled, and the films that cameras show."""

    service: Service
    films: Mapping[str, Clip]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        with self.service.client() as signed_in:
            headers = {"Authorization": signed_in.headers["Authorization"]}
        base = self.service.url + self.service.prefix
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client:
            client.event_hooks = {"response": [_tells_no_password]}
            yield client


async def _tells_no_password(answer: httpx.Response) -> None:
    if "json" in answer.headers.get("content-type", ""):
        assert CAMERA_PASSWORD not in (await answer.aread()).decode()


@dataclass
class Listener:
    """What is told of all cameras, each message with the moment it came (Unix seconds)."""

    told: dict[str, list[tuple[float, Message]]] = field(default_factory=dict)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, message: Message) -> None:
        if "camera" in message:
            self.told.setdefault(message["camera"], []).append((time.time(), message))
            async with self.came:
                self.came.notify_all()

    async def first(
        self, camera: str, wanted: Callable[[Message], bool], since: float, seconds: float
    ) -> tuple[float, Message]:
        """The first such message of a camera after a moment, and when it came."""
        async with asyncio.timeout(seconds), self.came:
            while True:
                for at, message in self.told.get(camera, ()):
                    if at >= since and wanted(message):
                        return at, message
                await self.came.wait()

    def frames(self, camera: str) -> list[tuple[float, Message]]:
        return [one for one in self.told.get(camera, ()) if one[1]["type"] == "frame"]


@asynccontextmanager
async def listening(service: Service, client: httpx.AsyncClient) -> AsyncIterator[Listener]:
    """Listens to all cameras."""
    ticket = (await client.post("/live/tickets")).json()["ticket"]
    address = f"{service.url}{service.prefix}/live?ticket={ticket}".replace("http", "ws", 1)
    listener = Listener()

    async def listen() -> None:
        async with connect(address, max_size=None) as socket:
            await socket.send(json.dumps({"type": "subscribe", "cameras": None}))
            async for text in socket:
                assert CAMERA_PASSWORD not in str(text)
                message = json.loads(text)
                for one in (*message.get("frames", ()), *message.get("cameras", ()), message):
                    await listener.take(one)

    task = asyncio.create_task(listen())
    try:
        yield listener
    finally:
        if not task.cancel():
            task.result()
        await asyncio.wait([task])


@dataclass(frozen=True)
class Fault:
    """What happens to a camera, how it ends, and what the service has to say meanwhile.

    ``causes`` are empty where it has to stay live.
    """

    strike: Callable[["Patient"], Awaitable[None]]
    heal: Callable[["Patient"], Awaitable[None]]
    causes: frozenset[str]


@dataclass
class Patient:
    """A camera with a fault, as the service knows it."""

    id: str
    camera: VirtualCamera
    client: httpx.AsyncClient
    listener: Listener

    async def stream(self) -> Message:
        """What the service tells of its stream."""
        found: Message = (await self.client.get(f"/cameras/{self.id}")).json()["stream"]
        return found

    async def named(self, since: float) -> tuple[float, Message]:
        """The first frame taken after a moment on which Collins is named, and when it came."""

        def wanted(message: Message) -> bool:
            return COLLINS in names(message) and message["captured_at"] >= since

        return await self.listener.first(self.id, wanted, since, _BACK)


@dataclass(frozen=True)
class Outcome:
    """Of one fault: what was told first, after how many seconds, and when names came again."""

    told: Message
    truth: float
    back: float


async def suffer(patient: Patient, fault: Fault) -> Outcome:
    """A fault from its beginning to its end."""
    await patient.named(time.time())
    began = time.time()
    await fault.strike(patient)
    if fault.causes:

        def wanted(message: Message) -> bool:
            return message["type"] == "camera" and message.get("cause") in fault.causes

        at, told = await patient.listener.first(patient.id, wanted, began, _TRUTH)
    else:
        at, told = await patient.named(began)
    healed = time.time()
    await fault.heal(patient)
    back, _ = await patient.named(healed)
    return Outcome(told, at - began, back - healed)


async def _nothing(_: Patient) -> None: ...


def _now(act: Callable[[VirtualCamera], None]) -> Callable[[Patient], Awaitable[None]]:
    async def do(patient: Patient) -> None:
        act(patient.camera)

    return do


async def _reappear(patient: Patient) -> None:
    await patient.camera.reappear()


async def _right_password(patient: Patient) -> None:
    url = patient.camera.url("gate").with_secrets
    answer = await patient.client.patch(f"/cameras/{patient.id}", json={"url": url})
    assert answer.status_code == 200, answer.text


FAULTS: Mapping[str, Fault] = {
    "kick": Fault(_now(VirtualCamera.kick), _nothing, frozenset({"lost", "garbage"})),
    "freeze": Fault(_now(VirtualCamera.stall), _now(VirtualCamera.resume), frozenset({"timeout"})),
    "garbage": Fault(
        _now(VirtualCamera.garble),
        _now(lambda camera: camera.garble(on=False)),
        frozenset({"garbage", "lost", "timeout"}),
    ),
    "timestamps": Fault(
        _now(lambda camera: camera.misdate(-86_400.0)),
        _now(lambda camera: camera.misdate(0.0)),
        frozenset(),
    ),
    "resolution": Fault(
        _now(lambda camera: camera.switch("yard")),
        _now(lambda camera: camera.switch("")),
        frozenset(),
    ),
    "half-open": Fault(_now(VirtualCamera.vanish), _reappear, frozenset({"timeout"})),
    "redirect": Fault(
        _now(lambda camera: camera.redirect("rtsp://127.0.0.1:9/elsewhere")),
        _now(VirtualCamera.redirect),
        frozenset({"refused"}),
    ),
    "password": Fault(
        _now(lambda camera: camera.demand(Credentials("ann", f"{SECRET} {secrets.token_hex(4)}"))),
        _right_password,
        frozenset({"unauthorized"}),
    ),
}


@asynccontextmanager
async def patients(
    listener: Listener,
    client: httpx.AsyncClient,
    made: Mapping[str, Clip],
    *of: str,
) -> AsyncIterator[Mapping[str, Patient]]:
    """A camera for each of these names, watched; deleted afterwards."""
    async with AsyncExitStack() as stack:
        found = {}
        for name in of:
            camera = VirtualCamera(made, login=Credentials("ann", SECRET))
            await stack.enter_async_context(camera)
            body = {"name": name, "url": camera.url("gate").with_secrets}
            answer = await client.post("/cameras", json=body)
            assert answer.status_code == 201, answer.text
            found[name] = Patient(answer.json()["id"], camera, client, listener)
            stack.push_async_callback(client.delete, f"/cameras/{found[name].id}")
        yield found
