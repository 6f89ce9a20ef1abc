"""A running service with virtual cameras on it, and somebody who listens to all of them."""

import asyncio
import json
import multiprocessing
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from websockets.asyncio.client import connect

from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip
from tests.bench.inputs import pack_for, test_data
from tests.system.clips import make_gallery
from tests.system.service import Service, passable_folder, person

_CLIP = "face-demographics-walking-and-pause"
"""Three people of whom one is enrolled, 960x540 at 12.5 frames a second."""
_OPENED = 90.0
"""Seconds within which every camera has to give a result."""
_SETTLE = 5.0
"""Seconds from then on that are not measured."""


class Arrival(NamedTuple):
    """A frame's message, and when it came: Unix seconds."""

    at: float
    message: dict[str, Any]

    @property
    def delay(self) -> float:
        """Seconds since its capture: camera and listener have the same clock."""
        return self.at - float(self.message["captured_at"])


@dataclass(frozen=True, slots=True)
class Load:
    """Cameras that were added at ``began`` (Unix seconds), and all that came of them since.

    ``firsts`` says when each camera's first result came, ``streaming`` when it was live, in seconds
    since ``began``.
    """

    service: Service
    cameras: int
    began: float = field(default_factory=time.time)
    arrivals: list[Arrival] = field(default_factory=list)
    firsts: dict[str, float] = field(default_factory=dict)
    streaming: dict[str, float] = field(default_factory=dict)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, arrival: Arrival) -> None:
        """Keep what has come."""
        self.arrivals.append(arrival)
        self.firsts.setdefault(arrival.message["camera"], arrival.at - self.began)
        if len(self.firsts) == self.cameras:
            self.opened.set()

    async def settled(self) -> None:
        """Return when every camera has given a result and some seconds have passed.

        Raises:
            TimeoutError: not all have.
        """
        async with asyncio.timeout(_OPENED):
            await self.opened.wait()
        await asyncio.sleep(_SETTLE)

    async def during(self, seconds: float) -> Sequence[Arrival]:
        """What comes in the next so many seconds."""
        before = len(self.arrivals)
        await asyncio.sleep(seconds)
        return self.arrivals[before:]


@asynccontextmanager
async def loaded(
    asked: str, cameras: int, beside: Sequence[str] = (), **more: object
) -> AsyncIterator[Load]:
    """So many cameras on a fresh service with a pack, as ``pack_for`` takes it.

    Args:
        beside: addresses of cameras that are added before, and of which nothing is awaited.
        more: what else is said of each camera.
    """
    with ExitStack() as running:
        url = running.enter_context(film())
        service = running.enter_context(running_service(running.enter_context(pack_for(asked))))
        with service.client() as client:
            await asyncio.to_thread(_enroll, client, running.enter_context(passable_folder()))
            ticket = client.post("/live/tickets").json()["ticket"]
            address = f"{service.url}{service.prefix}/live?ticket={ticket}"
            load = Load(service, cameras)
            listening = asyncio.create_task(_listen(address.replace("http", "ws", 1), load))
            await asyncio.to_thread(_add_cameras, client, [*beside, *[url] * cameras], more)
            try:
                yield load
            finally:
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening


async def _listen(address: str, load: Load) -> None:
    async with connect(address, max_size=None) as socket:
        await socket.send(json.dumps({"type": "subscribe", "cameras": None}))
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "frame":
                load.take(Arrival(time.time(), message))
            elif message["type"] == "camera" and message["state"] == "live":
                load.streaming.setdefault(message["camera"], time.time() - load.began)


def _enroll(client: httpx.Client, folder: Path) -> None:
    for photographs in sorted(make_gallery(test_data(), folder).iterdir()):
        person(client, photographs.name, *sorted(photographs.iterdir()))


def _add_cameras(client: httpx.Client, urls: Sequence[str], more: Mapping[str, object]) -> None:
    for number, url in enumerate(urls):
        answer = client.post("/cameras", json={"name": f"Camera {number}", "url": url, **more})
        answer.raise_for_status()


@contextmanager
def running_service(pack: str) -> Iterator[Service]:
    """A fresh ``faceapi serve`` with a pack (a name or a file), gone afterwards."""
    with passable_folder() as folder:
        service = Service(folder, environ={"MODEL_PACK": pack}).start()
        try:
            yield service
        finally:
            service.stop()


@contextmanager
def film() -> Iterator[str]:
    """The address of a virtual camera that films the clip, in a process of its own."""
    fresh = multiprocessing.get_context("spawn")
    ours, theirs = fresh.Pipe()
    clip = test_data() / "clips" / f"{_CLIP}.mp4"
    process = fresh.Process(target=_serve_film, args=(theirs, clip), daemon=True)
    process.start()
    theirs.close()
    yield str(ours.recv())
    ours.send("end")
    process.join()


def _serve_film(orders: Connection, clip: Path) -> None:
    asyncio.run(_filming(orders, clip))


async def _filming(orders: Connection, clip: Path) -> None:
    async with VirtualCamera({"film": read_clip(clip)}) as camera:
        orders.send(camera.url("film").with_secrets)
        await asyncio.to_thread(orders.recv)
