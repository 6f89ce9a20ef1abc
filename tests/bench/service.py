"""The service under load: memory of all its processes, lag of its loop, delay of its results.

    python -m tests.bench.service [CAMERAS [VIEWERS [MINUTES]]]

It starts ``faceapi serve`` with the builtin pack and as many virtual cameras and viewers (a
viewer reads the video and the websocket), and prints a line each half minute.
"""

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from websockets.asyncio.client import ClientConnection, connect

from api.command.film import COLLINS, RATE, pictures, portrait
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip, write_clip
from tests.bench.inputs import console
from tests.bench.loaded import running_service
from tests.bench.processes import resident
from tests.system.service import Service, person

_PERIOD = 30.0
"""Seconds between two lines."""


def histogram(metrics: str, name: str) -> Sequence[tuple[float, float]]:
    """Upper bounds with how many lie below, over all labels."""
    found: dict[float, float] = {}
    for bound, count in re.findall(
        rf'^{name}_bucket{{(?:.*,)?le="([^"]+)".*}} (\S+)', metrics, re.MULTILINE
    ):
        found[float(bound)] = found.get(float(bound), 0.0) + float(count)
    return sorted(found.items())


def quantile(before: str, after: str, name: str, part: float) -> float:
    """The bound below which this part of what came between two scrapes lies, in milliseconds."""
    start = dict(histogram(before, name))
    counts = [(bound, count - start.get(bound, 0)) for bound, count in histogram(after, name)]
    wanted = part * counts[-1][1]
    return 1000 * next(bound for bound, count in counts if count >= wanted)


async def look(service: Service, token: str, camera: str) -> None:
    """A viewer: video and results of one camera."""
    base, headers = service.url + service.prefix, {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        ticket = (await client.post(f"{base}/live/tickets")).json()["ticket"]
        address = f"{base}/live?ticket={ticket}".replace("http", "ws", 1)
        async with connect(address) as socket, asyncio.TaskGroup() as group:
            await socket.send(f'{{"type": "subscribe", "cameras": ["{camera}"]}}')
            group.create_task(_read(socket))
            async with client.stream("GET", f"{base}/cameras/{camera}/video") as video:
                async for _ in video.aiter_bytes():
                    pass


async def _read(socket: ClientConnection) -> None:
    async for _ in socket:
        pass


async def measure(cameras: int, viewers: int, minutes: float) -> None:
    with running_service("builtin") as service, tempfile.TemporaryDirectory() as name:
        film = Path(name) / "film.mp4"
        write_clip(film, pictures(), RATE)
        async with AsyncExitStack() as stack:
            source = await stack.enter_async_context(VirtualCamera({"film": read_clip(film)}))
            with service.client() as client:
                person(client, COLLINS, portrait(COLLINS))
                token = client.headers["Authorization"].split()[1]
                ids = [_camera(client, number, source) for number in range(cameras)]
            async with asyncio.TaskGroup() as group:
                looking = [
                    group.create_task(look(service, token, ids[number % cameras]))
                    for number in range(viewers)
                ]
                last = await _report(service, minutes)
                for task in looking:
                    task.cancel()
            console.print(f"{cameras} cameras, {viewers} viewers: {last.strip()}", style="bold")


def _camera(client: httpx.Client, number: int, source: VirtualCamera) -> str:
    body = {"name": f"Camera {number}", "url": source.url("film").with_secrets}
    return str(client.post("/cameras", json=body).json()["id"])


async def _report(service: Service, minutes: float) -> str:
    """Print a line each half minute; the last one."""
    await asyncio.sleep(_PERIOD)  # warm
    async with httpx.AsyncClient() as client:
        first = (await client.get(f"{service.url}/metrics")).text
        began, line = time.monotonic(), ""
        while time.monotonic() - began < 60 * minutes:
            await asyncio.sleep(_PERIOD)
            text = (await client.get(f"{service.url}/metrics")).text
            took = time.monotonic() - began
            memory = resident(service.process.pid)
            line = f"{took:6.0f} s  {memory:6.0f} MB  {_figures(first, text, took)}"
            console.print(line)
    return line


def _figures(first: str, text: str, seconds: float) -> str:
    """What the service did between two scrapes of its metrics."""
    lag = quantile(first, text, "faceapi_loop_lag_seconds", 0.99)
    delay = [quantile(first, text, "faceapi_delay_seconds", part) for part in (0.5, 0.95)]
    frames = histogram(text, "faceapi_delay_seconds")[-1][1]
    frames -= histogram(first, "faceapi_delay_seconds")[-1][1]
    return (
        f"{frames / seconds:5.1f} frames/s  lag p99 <= {lag:.0f} ms  "
        f"delay p50 <= {delay[0]:.0f} p95 <= {delay[1]:.0f} ms"
    )


if __name__ == "__main__":
    asked = [float(text) for text in sys.argv[1:]]
    many, looking_on, long = [*asked, *[1.0, 1.0, 20.0][len(asked) :]]
    asyncio.run(measure(int(many), int(looking_on), long))
