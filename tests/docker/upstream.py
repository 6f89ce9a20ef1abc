"""What stands behind nginx in place of the service, and names that point at it."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered; a header may be there more than once."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"{}"


@dataclass
class Upstream:
    """Keeps what it was asked; ``answer`` says what it answers."""

    answer: Callable[[Asked], Answer] = lambda _: Answer()
    asked: list[Asked] = field(default_factory=list)
    received: int = 0

    @property
    def last(self) -> Asked:
        return self.asked[-1]


@contextmanager
def serving(upstream: Upstream, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """The upstream at an address; its host and port."""
    server = ThreadingHTTPServer((host, port), _handler(upstream))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _handler(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            asked = Asked(self.command, self.path, self.headers, self._body())
            upstream.asked.append(asked)
            answer = upstream.answer(asked)
            self.send_response(answer.status)
            for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PATCH = do_DELETE = _take  # noqa: N815 - so they are called

        def _body(self) -> bytes:
            left, body = int(self.headers.get("Content-Length", 0)), b""
            while left and (data := self.rfile.read1(min(left, 65536))):
                body, left = body + data, left - len(data)
                upstream.received += len(data)
            return body

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def trickling() -> Iterator[tuple[str, threading.Event]]:
    """Sends one small part of a video; the next only when the event is set. Its host and port."""
    more = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            self.wfile.write(b"--frame\r\n\r\nfirst\r\n")
            more.wait(20)
            self.wfile.write(b"--frame\r\n\r\nsecond\r\n")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", more
    finally:
        more.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def resolving(names: Mapping[str, str]) -> Iterator[str]:
    """A name server that knows IPv4 addresses of some names; its host and port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        door.settimeout(0.1)
        ends = threading.Event()
        thread = threading.Thread(target=_resolve, args=(door, names, ends))
        thread.start()
        try:
            yield f"127.0.0.1:{door.getsockname()[1]}"
        finally:
            ends.set()
            thread.join(10)


def _resolve(door: socket.socket, names: Mapping[str, str], ends: threading.Event) -> None:
    while not ends.is_set():
        try:
            question, asker = door.recvfrom(512)
        except TimeoutError:
            continue
        door.sendto(_resolved(question, names), asker)


def _resolved(question: bytes, names: Mapping[str, str]) -> bytes:
    """An answer (RFC 1035) to one question; NXDOMAIN for a name that is not there."""
    end = question.index(b"\0", 12)
    labels, at = [], 12
    while at < end:
        labels.append(question[at + 1 : at + 1 + question[at]].decode())
        at += 1 + question[at]
    asked = question[12 : end + 5]
    address = names.get(".".join(labels))
    if address is None:
        return question[:2] + b"\x81\x83\0\x01\0\0\0\0\0\0" + asked
    record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x01\0\x04" + socket.inet_aton(address)
    return question[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0" + asked + record
