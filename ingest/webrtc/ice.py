"""How the two sides of a WebRTC connection find each other (ICE, RFC 8445)."""

import base64
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

_HOST_CANDIDATE = re.compile(r"a=candidate:\S+ \d+ \S+ \d+ (?P<host>\S+) \d+ typ host")
"""RFC 8839, 5.1: a socket of this machine."""
_CONNECTION = re.compile(r"c=IN IP[46] (?P<host>\S+)")
"""RFC 8866, 5.7."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server, such as ``turn:turn.example.org:3478?transport=udp``."""

    url: str
    username: str = ""
    credential: str = field(default="", repr=False)

    @classmethod
    def turn(cls, url: str, secret: str, expires: int) -> Self:
        """A TURN server with credentials that are good until ``expires`` (Unix seconds).

        The server knows ``secret``, too, and needs no list of users: draft-uberti-behave-turn-rest,
        coturn's ``use-auth-secret``.
        """
        username = str(expires)
        digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
        return cls(url, username, base64.b64encode(digest).decode())

    @property
    def link(self) -> str:
        """A value of the header ``Link`` that tells a client of it (RFC 9725, 4.6)."""
        link = f'<{self.url}>; rel="ice-server"'
        if self.username:
            link += f'; username="{self.username}"; credential="{self.credential}"'
            link += '; credential-type="password"'
        return link


@dataclass(frozen=True, slots=True)
class Ice:
    """What our side of a connection offers.

    Args:
        servers: that may be asked, by both sides.
        announced: the IP address under which others reach this machine, where that is none of its
            own: in a container, behind a translation of addresses.
        loopback: offer 127.0.0.1, and nothing else.
    """

    servers: tuple[IceServer, ...] = ()
    announced: str | None = None
    loopback: bool = False

    def rewritten(self, sdp: str) -> str:
        """``sdp`` with the announced address wherever it names one of this machine's own.

        Candidates of the other version of IP are left out: nothing would arrive there.
        """
        if self.announced is None:
            return sdp
        return "".join(_announced(sdp.splitlines(keepends=True), self.announced))


def _announced(lines: Sequence[str], address: str) -> Iterator[str]:
    version = _version(address)
    own = {found["host"] for found in map(_HOST_CANDIDATE.match, lines) if found}
    for line in lines:
        if found := _HOST_CANDIDATE.match(line):
            if _version(found["host"]) == version:
                yield line[: found.start("host")] + address + line[found.end("host") :]
        elif (found := _CONNECTION.match(line)) and found["host"] in own:
            yield f"c=IN IP{version} {address}\r\n"
        else:
            yield line


def _version(address: str) -> int:
    return ipaddress.ip_address(address).version
