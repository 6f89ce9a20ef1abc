"""The websocket of a running program: over a cut connection, and over a new start."""

import json
import socket as socket_
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.system.service import Service

pytestmark = pytest.mark.system


def opened(service: Service, client: httpx.Client) -> ClientConnection:
    ticket = client.post("/live/tickets").json()["ticket"]
    return connect(f"{service.url}/api/v1/live?ticket={ticket}".replace("http", "ws", 1))


def subscribe(socket: ClientConnection, camera: str, after: dict[str, Any] | None = None) -> None:
    wish = {"type": "subscribe", "cameras": [camera], "after": after}
    socket.send(json.dumps(wish))


def message(socket: ClientConnection) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(socket.recv(timeout=30))
    return told


@pytest.fixture
def mute_camera() -> Iterator[int]:
    """The port of a camera that says nothing: it is lost again and again."""
    with socket_.create_server(("127.0.0.1", 0), backlog=128) as door:
        yield door.getsockname()[1]


def test_a_reader_knows_what_it_missed_over_a_cut_and_over_a_new_start(
    new_service: Callable[..., Service], mute_camera: int
) -> None:
    service = new_service(LIVE_KEPT="60", RTSP_CONNECT_TIMEOUT="0.2").start()
    with service.client() as client:
        body = {"name": "Gate", "url": f"rtsp://127.0.0.1:{mute_camera}/nothing"}
        camera = str(client.post("/cameras", json=body).json()["id"])
        with opened(service, client) as socket:
            subscribe(socket, camera)
            snapshot = message(socket)
            assert snapshot["type"] == "snapshot"
            first = message(socket)
            assert first["cursor"] > snapshot["cursor"]
            socket.socket.close()  # as a cable is pulled

        after = {"epoch": snapshot["epoch"], "cursor": first["cursor"]}
        with opened(service, client) as socket, opened(service, client) as other:
            subscribe(other, camera)
            assert message(other)["type"] == "snapshot"
            late = message(other)  # whatever it is by now
            subscribe(socket, camera, after)
            missed: list[dict[str, Any]] = []
            while not missed or missed[-1]["cursor"] < late["cursor"]:
                missed.append(message(socket))
            assert missed[-1] == late
            assert {told["type"] for told in missed} == {"camera"}
            cursors = [told["cursor"] for told in missed]
            assert cursors == list(range(first["cursor"] + 1, late["cursor"] + 1))
            after["cursor"] = late["cursor"]

    service.kill()
    service.start()
    with service.client() as client, opened(service, client) as socket:
        subscribe(socket, camera, after)
        gap, snapshot = message(socket), message(socket)
        assert (gap["type"], gap["reason"], gap["missed"]) == ("gap", "reset", None)
        assert (snapshot["type"], snapshot["cursor"]) == ("snapshot", gap["to"])
        assert snapshot["epoch"] != after["epoch"]
        assert [one["camera"] for one in snapshot["cameras"]] == [camera]
        assert message(socket)["cursor"] > snapshot["cursor"]
