"""The program itself, started as a person starts it, and its API as a client sees it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from tests.conftest import CAMERA_PASSWORD

_READY = 120.0
"""Seconds to answer: on a new machine the builtin pack is made first."""
_URL = re.compile(r"(http://[\d.]+:\d+)")
_PASSWORD = re.compile(r"password (?:in )?(\S+)")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Return when ``condition`` holds; fail with ``what`` if that takes too long."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)


@dataclass
class Service:
    """One ``faceapi`` process at a time over one data folder."""

    folder: Path
    command: Sequence[str] = ("serve",)
    environ: Mapping[str, str] = field(default_factory=dict)
    password: str = ""
    url: str = ""
    prefix: str = "/api/v1"

    def start(self) -> "Service":
        """Start, and return when it answers."""
        self._output = (self.folder / "output.txt").open("a+b")
        begin = self._output.seek(0, os.SEEK_END)
        own = {
            "FACEAPI_DATA_DIR": str(self.folder / "data"),
            "COLUMNS": "300",
            "RTSP_ALLOWED_NETWORKS": "0.0.0.0/0, ::/0, 127.0.0.0/8",  # cameras of tests are here
            **self.environ,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "api", *self.command, "--port", "0"],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **own},
        )
        wait_until(lambda: self._has_answered(begin), f"an answer: {self.said(begin)}", _READY)
        return self

    def _has_answered(self, begin: int) -> bool:
        assert self.process.poll() is None, self.said(begin)
        said = self.said(begin)
        if not (found := _URL.search(said)) or "\n" not in said[found.end() :]:
            return False
        self.url = found[1]
        if new := _PASSWORD.search(said):
            # The demo shows it; a service without a terminal names the file that holds it.
            named = Path(new[1])
            self.password = named.read_text().strip() if named.is_absolute() else new[1]
        return True

    def said(self, begin: int = 0) -> str:
        """All that it wrote to its terminal from an offset on."""
        with (self.folder / "output.txt").open("rb") as output:
            output.seek(begin)
            return re.sub(r"\x1b\[[\d;]*m", "", output.read().decode())

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; says the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        else:
            assert CAMERA_PASSWORD not in self.said(), "a camera's password is in the log"
            return status
        finally:
            self._output.close()

    def kill(self) -> None:
        """SIGKILL: no time for anything."""
        self.stop(signal.SIGKILL)

    def end(self) -> None:
        """Stop it if it runs."""
        if hasattr(self, "process") and self.process.poll() is None:
            self.kill()

    @contextmanager
    def client(self, *, token: str | None = None) -> Iterator[httpx.Client]:
        """The API under its prefix, signed in as the administrator, or with another token."""
        hooks = {"response": [_tells_no_password]}
        with httpx.Client(base_url=self.url + self.prefix, timeout=60, event_hooks=hooks) as client:
            client.headers["Authorization"] = f"Bearer {token or self._token(client)}"
            yield client

    def _token(self, client: httpx.Client) -> str:
        form = {"username": "admin", "password": self.password}
        answer = client.post("/auth/token", data=form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and body of /health."""
        answer = httpx.get(f"{self.url}/health", timeout=10)
        return answer.status_code, answer.json()

    @contextmanager
    def live(self, client: httpx.Client, cameras: Sequence[str] | None) -> Iterator["Live"]:
        """The websocket, subscribed to these cameras."""
        ticket = client.post("/live/tickets").json()["ticket"]
        address = f"{self.url}{self.prefix}/live?ticket={ticket}".replace("http", "ws", 1)
        with connect(address) as socket:
            socket.send(json.dumps({"type": "subscribe", "cameras": cameras}))
            yield Live(socket)


def _tells_no_password(answer: httpx.Response) -> None:
    """Of everything that is answered but pictures and video."""
    if "json" in answer.headers.get("content-type", ""):
        assert CAMERA_PASSWORD not in answer.read().decode(), "a camera's password is answered"


@dataclass
class Live:
    """What comes over a websocket."""

    socket: ClientConnection
    _waiting: list[dict[str, Any]] = field(default_factory=list)

    def message(self, seconds: float = 30.0) -> dict[str, Any]:
        """The next message of a camera; those in a snapshot one by one."""
        while not self._waiting:
            text = self.socket.recv(timeout=seconds)
            assert CAMERA_PASSWORD not in str(text), "a camera's password is in a live message"
            message: dict[str, Any] = json.loads(text)
            if message["type"] == "snapshot":
                self._waiting += [*message["cameras"], *message["frames"]]
            elif message["type"] != "gap":
                self._waiting.append(message)
        return self._waiting.pop(0)

    def until(
        self, condition: Callable[[dict[str, Any]], bool], what: str, seconds: float = 60.0
    ) -> dict[str, Any]:
        """The first message that meets ``condition``."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if condition(message := self.message(seconds)):
                return message
        raise AssertionError(f"no message within {seconds:g} s: {what}")

    def named(self, name: str, seconds: float = 60.0) -> dict[str, Any]:
        """The first frame in which somebody bears this name."""
        return self.until(lambda message: name in names(message), f"a frame with {name}", seconds)


def names(message: Mapping[str, Any]) -> set[str]:
    """The names in a message."""
    return {face["name"] for face in message.get("faces", ()) if face["name"]}


def person(client: httpx.Client, name: str, *photographs: Path) -> str:
    """Make a person with these photographs, each of which must be taken; her id."""
    made = client.post("/people", json={"name": name})
    assert made.status_code == 201, made.text
    somebody = str(made.json()["id"])
    for path in photographs:
        files = {"images": (path.name, path.read_bytes())}
        answer = client.post(f"/people/{somebody}/faces", files=files)
        assert answer.status_code == 200, answer.text
        assert answer.json()["verdicts"][0]["outcome"] == "enrolled", answer.text
    return somebody


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A new folder that others may pass: root's PostgreSQL runs as another user."""
    folder = Path(tempfile.mkdtemp(prefix="faceapi-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
