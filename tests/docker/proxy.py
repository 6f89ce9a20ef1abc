"""A real nginx, made by the start script and run as in its container: no root, one own folder."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path
from typing import IO, Any

import httpx

from tests.system.service import wait_until

ROOT = Path(__file__).parents[2]
PROBLEM = "application/problem+json"
_ACCOUNT = 1000 if os.geteuid() == 0 else os.geteuid()
"""Whom nginx runs as: the container's user, unless we are nobody special ourselves."""
_NEEDED = {"nginx": "nginx", "envsubst": "gettext-base", "openssl": "openssl", "awk": "mawk"}
_SELF_SIGNED = (
    *("openssl", "req", "-x509", "-nodes", "-days", "2"),
    *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj"),
)
_PATH = f"{os.environ['PATH']}:/usr/sbin"


def missing_packages() -> Sequence[str]:
    """Debian's packages that these tests want and that are not here."""
    return [name for tool, name in _NEEDED.items() if shutil.which(tool, path=_PATH) is None]


def free_port() -> int:
    """A TCP port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def own(path: Path) -> Path:
    """Give a file or folder to the user that nginx runs as."""
    if os.geteuid() == 0:
        os.chown(path, _ACCOUNT, _ACCOUNT)
    return path


@contextmanager
def started(
    command: Sequence[str], output: Path, environ: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of nginx's user; ended afterwards with all that it started."""
    with _written(output.with_suffix(".out")) as out, _written(output.with_suffix(".err")) as err:
        is_root = os.geteuid() == 0
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={"PATH": _PATH, **environ},
            user=_ACCOUNT if is_root else None,
            group=_ACCOUNT if is_root else None,
            extra_groups=[] if is_root else None,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGQUIT)
            process.wait(20)


def _written(path: Path) -> IO[bytes]:
    """A file for its output, which nginx opens anew as /dev/stdout."""
    file = path.open("ab")
    own(path)
    return file


@dataclass
class Nginx:
    """docker/nginx on 127.0.0.1; ``environ`` is what compose would set."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    http: int = field(default_factory=free_port)
    https: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    pid: int = 0

    def __post_init__(self) -> None:
        shutil.copytree(ROOT / "docker" / "nginx", self.folder / "image")
        (self.folder / "certificates").mkdir()
        own(self.folder)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def secure_url(self) -> str:
        return f"https://127.0.0.1:{self.https}"

    def _settings(self) -> Mapping[str, str]:
        return {
            "NGINX_ADDRESS": "127.0.0.1",
            "NGINX_HTTP_PORT": str(self.http),
            "NGINX_HTTPS_PORT": str(self.https),
            "NGINX_HEALTH_PORT": str(self.health),
            "NGINX_CERTIFICATES": str(self.folder / "certificates"),
            "NGINX_FOLDER": str(self.folder / "run"),
            "HTTPS_PORT": str(self.https),
            **self.environ,
        }

    @contextmanager
    def running(self) -> Iterator["Nginx"]:
        """Start it, and stop it afterwards."""
        with self._started() as process:
            self.pid = process.pid
            wait_until(self._is_well, f"nginx is well: {self.said()}")
            yield self

    def _started(self, *options: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        command = [str(self.folder / "image" / "start.sh"), *options]
        return started(command, self.folder / "nginx", self._settings())

    def _is_well(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.health}/").text == "well\n"
        except httpx.TransportError:
            return False

    def tried(self) -> tuple[int, str]:
        """Make and test the configuration only: the exit status and what it said."""
        with self._started("--test") as process:
            status = process.wait(20)
        return status, self.said()

    def said(self) -> str:
        """What it wrote to its standard error."""
        file = self.folder / "nginx.err"
        return file.read_text() if file.exists() else ""

    def logged(self, count: int) -> Sequence[Mapping[str, Any]]:
        """The access log when it has so many lines: a line is written after its answer."""

        def lines() -> Sequence[str]:
            return (self.folder / "nginx.out").read_text().splitlines()

        wait_until(lambda: len(lines()) >= count, f"{count} lines in the access log")
        return [json.loads(line) for line in lines()]

    def certify(self, domain: str = "localhost") -> Path:
        """Make a certificate of its own hand, as CERTIFICATES_DIRECTORY has it; its folder."""
        folder = self.folder / "certificates" / domain
        folder.mkdir(exist_ok=True)
        key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
        names = f"subjectAltName=DNS:{domain},IP:127.0.0.1"
        subprocess.run(
            [*_SELF_SIGNED, f"/CN={domain}", "-addext", names, "-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
        own(key)
        return folder


@contextmanager
def frontend(folder: Path, page: Path) -> Iterator[str]:
    """docker/frontend/nginx.conf on a free port, serving ``page``; host and port."""
    port = free_port()
    shutil.copytree(page, folder / "html")
    own(folder)
    text = (ROOT / "docker" / "frontend" / "nginx.conf").read_text()
    for old, new in {
        " /tmp/": f" {folder}/",  # first: the folder lies there, too
        "listen 3000;": f"listen 127.0.0.1:{port};",
        "/usr/share/nginx/html;": f"{folder / 'html'};",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    command = ["nginx", "-e", "stderr", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with started(command, folder / "nginx", {}):
        place = f"127.0.0.1:{port}"
        wait_until(lambda: answers(place), "the frontend answers")
        yield place


def answers(place: str) -> bool:
    """Whether somebody listens there."""
    host, port = place.split(":")
    with socket.socket() as door:
        return door.connect_ex((host, int(port))) == 0


def raw(port: int, request: bytes) -> tuple[int, str]:
    """Status, and headers with body, of the answer to these very bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as door:
        door.sendall(request)
        answer = HTTPResponse(door)
        answer.begin()
        return answer.status, str(answer.headers) + answer.read().decode("latin-1")
