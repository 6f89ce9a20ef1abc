"""How late results reach many websockets, and how late the loop is that sends them.

    python -m tests.bench.sockets [--clients 500] [--slow 0] [--rate 10] [--faces 3] [--seconds 20]

The application is served as the program serves it, by a process with nothing else in it, and tells
results of one camera. The clients are in this process and read on one loop: on two cores they take
from the server what they need themselves, so on a machine of its own it is quicker. ``--slow``
clients are there besides, who subscribe and never read.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from typing import cast
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from api.live.hub import Hub
from api.live.metrics import one_lag
from api.live.seen import Face, Seen
from api.live.wire import frame_message
from api.settings.sections import LiveSettings
from pipeline.messages import PersonId, Status
from tests.bench.inputs import console
from tests.bench.processes import cpu_seconds, resident
from tests.live_server import live_server

_CAMERA = "gate"
_WARM = 3.0
"""Seconds that are not counted."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is measured."""

    clients: int
    slow: int
    rate: float
    faces: int
    seconds: float


@dataclass(slots=True)
class Told:
    """What the server says at the end."""

    lags: Sequence[float]
    published: int
    dropped: float


# The server's process


def serve(orders: Connection, asked: Asked) -> None:
    """Serve until told to end."""
    asyncio.run(_serve(orders, asked))


async def _serve(orders: Connection, asked: Asked) -> None:
    count = asked.clients + asked.slow
    room = LiveSettings(most_sockets=count, most_sockets_per_user=count)
    async with live_server(room, most_tickets=count) as served:
        orders.send([served.address() for _ in range(count)])
        await asyncio.to_thread(orders.recv)
        lags, published = await _publish(served.hub, asked)
        dropped = served.registry.get_sample_value("faceapi_listener_drops_total") or 0.0
        orders.send(Told(lags, published, dropped))
        await asyncio.to_thread(orders.recv)


async def _publish(hub: Hub, asked: Asked) -> tuple[Sequence[float], int]:
    """Tell results; the lags of the loop, and how many results there were."""
    lags: list[float] = []

    async def measure() -> None:
        await asyncio.sleep(_WARM)
        while True:
            lags.append(await one_lag())

    measuring = asyncio.create_task(measure())
    loop, count = asyncio.get_running_loop(), round(asked.rate * (_WARM + asked.seconds))
    began = loop.time()
    for seq in range(count):
        await asyncio.sleep(began + seq / asked.rate - loop.time())
        hub.publish(frame_message(_result(seq, asked.faces), lambda person: f"Name of {person}"))
    measuring.cancel()
    await asyncio.sleep(1)
    return lags, count


def _result(seq: int, faces: int) -> Seen:
    one = [
        Face(
            track, (101.2 * track, 57.3, 80.4, 96.1), 0.9876, Status.KNOWN, PersonId("x" * 36), 0.9
        )
        for track in range(faces)
    ]
    return Seen(_CAMERA, seq, seq * 9000, time.time(), 12345, 1280, 720, tuple(one))


# The clients


@dataclass(slots=True)
class Arrivals:
    """What one client got: delays in seconds, of those that count, and how many frames in all."""

    delays: list[float] = field(default_factory=list)
    frames: int = 0


class Client(asyncio.Protocol):
    """A websocket that reads as quickly as Python can, or not at all."""

    def __init__(self, address: str, arrivals: Arrivals, counts_from: Callable[[], float]) -> None:
        self.ready = asyncio.get_running_loop().create_future()
        self._protocol = ClientProtocol(parse_uri(address))
        self._arrivals = arrivals
        self._counts_from = counts_from

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._protocol.send_request(self._protocol.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
            elif not self.ready.done():
                text = json.dumps({"type": "subscribe", "cameras": [_CAMERA]})
                self._protocol.send_text(text.encode())
                self.ready.set_result(None)
        self._flush()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.TEXT:
            return
        message: Mapping[str, object] = json.loads(bytes(frame.data))
        if message["type"] == "frame":
            captured = float(str(message["captured_at"]))
            self._arrivals.frames += 1
            if captured >= self._counts_from():
                self._arrivals.delays.append(time.time() - captured)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self.transport.write(data)


async def measure(asked: Asked) -> None:
    """Measure, and print one line."""
    with _server(asked) as (orders, process):
        addresses = await asyncio.to_thread(orders.recv)
        loop, began = asyncio.get_running_loop(), float("inf")
        everyone = [Arrivals() for _ in range(asked.clients + asked.slow)]
        clients = []
        for arrivals, address in zip(everyone, addresses, strict=True):
            client = Client(address, arrivals, lambda: began)
            place = urlsplit(address)
            await loop.create_connection(partial(_given, client), place.hostname, place.port)
            await client.ready
            clients.append(client)
        for client in clients[asked.clients :]:
            client.transport.pause_reading()
        await asyncio.sleep(1)
        orders.send("begin")
        began = time.time() + _WARM
        await asyncio.sleep(_WARM)
        before, own = cpu_seconds(process), time.process_time()
        await asyncio.sleep(asked.seconds)
        took, own = cpu_seconds(process) - before, time.process_time() - own
        memory = resident(process)
        told: Told = await asyncio.to_thread(orders.recv)
        _report(asked, everyone[: asked.clients], told, took / asked.seconds)
        console.print(
            f"  clients {own / asked.seconds:.0%} of a core, server {memory:.0f} MB", style="dim"
        )
        for client in clients:
            client.transport.abort()
        orders.send("end")


def _given(client: Client) -> Client:
    return client


def _report(asked: Asked, everyone: Sequence[Arrivals], told: Told, cores: float) -> None:
    delays = sorted(delay for one in everyone for delay in one.delays)
    lags = sorted(told.lags)
    behind = sum(one.frames < told.published for one in everyone)
    console.print(
        f"{asked.clients} clients (and {asked.slow} that never read), {asked.rate:g} results/s of"
        f" {asked.faces} faces: publish to receipt p50 {_part(delays, 0.5)}"
        f" p95 {_part(delays, 0.95)} p99 {_part(delays, 0.99)} worst {_part(delays, 1)} ms,"
        f" {behind} missed something; loop lag p50 {_part(lags, 0.5)} p99 {_part(lags, 0.99)} ms;"
        f" {cores:.0%} of a core; {told.dropped:g} dropped",
        style="bold",
    )


def _part(ordered: Sequence[float], part: float) -> str:
    return f"{1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]:.1f}"


@contextmanager
def _server(asked: Asked) -> Iterator[tuple[Connection, int]]:
    fresh = multiprocessing.get_context("spawn")
    ours, theirs = fresh.Pipe()
    process = fresh.Process(target=serve, args=(theirs, asked), daemon=True)
    process.start()
    theirs.close()
    yield ours, process.pid or 0
    process.join(10)


def main() -> None:
    """Read the arguments, measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--slow", type=int, default=0, help="clients that never read")
    parser.add_argument("--rate", type=float, default=10, help="results a second")
    parser.add_argument("--faces", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20)
    asyncio.run(measure(Asked(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
