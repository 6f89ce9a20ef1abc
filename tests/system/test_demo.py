"""The demo, as somebody who has just come meets it."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import pytest

from api.command.film import COLLINS, HOPPER, portrait
from tests.system.service import Service, person

pytestmark = pytest.mark.system


def test_one_person_is_named_and_the_other_after_the_visitor_enrolled_her(
    new_service: Callable[..., Service],
) -> None:
    demo = new_service("demo").start()
    assert f"{COLLINS}, who is enrolled" in demo.said()
    with demo.client() as client, demo.live(client, None) as live:
        assert live.named(COLLINS)["type"] == "frame"
        live.until(
            lambda message: any(face["status"] == "unknown" for face in message.get("faces", ())),
            "a stranger",
        )
        hopper = person(client, HOPPER, portrait(HOPPER))
        live.named(HOPPER)
        entered = live.until(lambda message: is_presence(message, HOPPER), "she has entered")
        assert (entered["change"], entered["person"]) == ("entered", hopper)
        number = entered["presence"]
        there = client.get("/presence", params={"camera": entered["camera"]}).json()["items"]
        assert number in {one["presence"] for one in there}
        nowhere = {"camera": "6b2f3f0e-9c0e-4ec1-9d70-000000000000"}
        assert client.get("/presence", params=nowhere).json()["items"] == []
        assert client.delete(f"/people/{hopper}").status_code == 204
        over = live.until(
            lambda message: message is not entered and message.get("presence") == number,
            "her presence is over",
        )
        assert (over["change"], over["person"], over["name"]) == ("left", None, None)
    assert demo.stop() == 0


def is_presence(message: Mapping[str, Any], name: str) -> bool:
    return bool(message["type"] == "presence" and message["name"] == name)


def test_a_demo_that_cannot_listen_says_so_and_ends(new_service: Callable[..., Service]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "api", "demo", "--port", port],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "FACEAPI_DATA_DIR": str(new_service().folder)},
        )
    assert (done.returncode, f"127.0.0.1:{port}" in done.stderr) == (1, True)
