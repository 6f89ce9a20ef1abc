"""RTSP 1.0 requests and answers (RFC 2326), and the Digest login of RFC 2617 without qop."""

import asyncio
import hashlib
import re
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_REALM = "camera"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for; the headers' names are in lower case."""

    method: str
    uri: str
    headers: Mapping[str, str]

    @property
    def stream(self) -> str:
        """The first part of the path."""
        return re.sub(r"^rtsps?://[^/]*/?", "", self.uri).partition("/")[0].partition("?")[0]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password that a camera asks for, by Digest."""

    user: str
    password: str = field(repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)

    @property
    def challenge(self) -> Mapping[str, str]:
        """The header of the answer that asks for it."""
        return {"WWW-Authenticate": f'Digest realm="{_REALM}", nonce="{self.nonce}"'}

    def allows(self, request: Request) -> bool:
        """Whether the request proves to know both."""
        said = re.findall(r'(\w+)="?([^",]+)"?', request.headers.get("authorization", ""))
        given = dict(said)
        who = _md5(f"{self.user}:{_REALM}:{self.password}")
        what = _md5(f"{request.method}:{given.get('uri')}")
        proof = _md5(f"{who}:{self.nonce}:{what}")
        return given.get("username") == self.user and given.get("response") == proof


async def read_request(reader: asyncio.StreamReader) -> Request:
    """The next request; the client's interleaved reports before it are skipped.

    Raises:
        EOFError: the connection is closed.
        ValueError: what came is no request.
    """
    while (first := await reader.readexactly(1)) == b"$":
        (length,) = struct.unpack(">xH", await reader.readexactly(3))
        await reader.readexactly(length)
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
    asked, *lines = head.split("\r\n")
    method, uri, _ = asked.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, uri, headers)


def answer(request: Request, status: str, headers: Mapping[str, str], body: str = "") -> bytes:
    """An answer to ``request``."""
    lines = {"CSeq": request.headers.get("cseq", "0"), **headers}
    if body:
        lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"RTSP/1.0 {status}\r\n{head}\r\n{body}".encode()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
