"""A camera's address, which hides its password from whoever prints it."""

import re
from dataclasses import dataclass, field
from typing import Self, TypeAlias
from urllib.parse import quote, unquote

from pipeline.errors import BadInput

SCHEMES = {"rtsp": 554, "rtsps": 322}
"""What is spoken to cameras, with the port where none is named (RFC 2326, RFC 7826)."""
WHIP = "whip:"
_HIDDEN = "***"
_ENCODE = "in a user name, password or path write @ : / ? # as %40 %3A %2F %3F %23"
_SECRET_FIELD = re.compile(
    r"((?:pass\w*|pwd|secret|token|auth\w*|key)=)[^&/;?#\s'\"]+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class CameraUrl:
    """An rtsp or rtsps URL; ``str``, ``repr`` and formatting show *** where a secret stands.

    ``user`` and ``password`` are plain text, None where the URL has none. ``path`` is everything
    from the first slash on, query included, as it was written. Secret are the password and, in
    the path, the values of fields named like one (some cameras want ``?password=...``).
    """

    scheme: str
    host: str
    port: int
    path: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL as people write it: a password may hold @ and : as they are.

        It may even hold / ? # as they are, where nothing else could be meant.

        Raises:
            BadInput: neither rtsp nor rtsps, no host, a port that is none, or a second meaning.
        """
        scheme, separator, rest = text.strip().partition("://")
        if not separator or scheme.lower() not in SCHEMES:
            raise BadInput(
                "not a camera's address: it begins with rtsp:// or rtsps://, or is whip:"
            )
        login, place, path = _split(rest)
        host, port = _host_and_port(place, SCHEMES[scheme.lower()])
        user, _, password = login.partition(":")
        return cls(
            scheme=scheme.lower(),
            host=host,
            port=port,
            path=path,
            user=unquote(user) if user else None,
            password=unquote(password) if ":" in login else None,
        )

    @property
    def with_secrets(self) -> str:
        """The real URL, for the library that connects; never to be shown or logged."""
        return self._written(quote(self.password or "", safe=""), self.path)

    @property
    def without_login(self) -> str:
        """The real URL without user name and password, as a request names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    def redact(self, text: str) -> str:
        """``text``, which a library wrote about this camera, without the secrets."""
        secrets = {self.with_secrets, self.password or "", quote(self.password or "", safe="")}
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, _HIDDEN if secret != self.with_secrets else str(self))
        return _SECRET_FIELD.sub(rf"\1{_HIDDEN}", text)

    def __str__(self) -> str:
        return self._written(_HIDDEN, _SECRET_FIELD.sub(rf"\1{_HIDDEN}", self.path))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return f"CameraUrl({str(self)!r})"

    def _written(self, password: str, path: str) -> str:
        login = quote(self.user or "", safe="")
        if self.password is not None:
            login += f":{password}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{login}{'@' if login else ''}{host}:{self.port}{path}"


@dataclass(frozen=True, slots=True)
class WhipAddress:
    """The address of a camera that connects by itself: whoever may publishes to it (RFC 9725)."""

    @property
    def with_secrets(self) -> str:
        """The same as ``str``: there is no secret in it."""
        return str(self)

    def __str__(self) -> str:
        return WHIP


CameraAddress: TypeAlias = CameraUrl | WhipAddress


def camera_address(text: str) -> CameraAddress:
    """Read what a person gives as a camera's address.

    Raises:
        BadInput: it is none.
    """
    return WhipAddress() if text.strip().lower() == WHIP else CameraUrl.parse(text)


def _split(rest: str) -> tuple[str, str, str]:
    """User and password, host and port, path."""
    place, path = _cut(rest)
    if "@" in path and ":" in place:
        if "@" in place or place.rpartition(":")[2].isdigit():
            raise BadInput(f"more than one reading of a camera's address: {_ENCODE}")
        login, _, rest = rest.rpartition("@")
        return login, *_cut(rest)
    login, _, place = place.rpartition("@")
    return login, place, path


def _cut(rest: str) -> tuple[str, str]:
    end = re.search(r"[/?#]|$", rest)
    at = end.start() if end else len(rest)
    return rest[:at], rest[at:]


def _host_and_port(place: str, usual: int) -> tuple[str, int]:
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s]+))(?::(\d{1,5}))?", place)
    if found is None:
        raise BadInput(f"no host and port in a camera's address; {_ENCODE}")
    port = int(found[3]) if found[3] else usual
    if not 1 <= port <= 65535:  # noqa: PLR2004 - 16 bits
        raise BadInput(f"port {port} of a camera's address: allowed are 1 to 65535")
    return found[1] or found[2], port
