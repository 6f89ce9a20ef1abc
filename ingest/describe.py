"""A camera asked what it has, before FFmpeg connects: RTSP's OPTIONS and DESCRIBE (RFC 2326).

FFmpeg follows a camera's redirect wherever it leads, and its errors say little. So the first
connection is ours: it goes to addresses that were checked, follows nothing, checks the certificate
of an rtsps camera, and tells a wrong password from a wrong path. Everything here blocks.
"""

import base64
import hashlib
import re
import secrets
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedRWPair

from ingest.address import CameraUrl
from ingest.destination import Destinations
from ingest.troubles import (
    Garbage,
    Lost,
    NoSuchStream,
    Refused,
    Silent,
    Unauthorized,
    Unreachable,
    Unsupported,
)

_LONGEST = 1 << 16
"""Bytes of an answer: a description takes one or two thousand."""
_OK, _REDIRECTS, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, range(300, 400), 401, 403, 404
_GONE = 410
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Sequence[tuple[str, str]]
    """Names in lower case; WWW-Authenticate may come more than once."""
    body: bytes

    def header(self, name: str) -> str:
        return next((value for one, value in self.headers if one == name), "")


def describe(url: CameraUrl, destinations: Destinations, timeout: float) -> Sequence[str]:
    """The codecs of the video at ``url``, as an SDP names them: ``H264``, ``H265``, ``JPEG``.

    Args:
        url: of the camera.
        destinations: where it may be.
        timeout: seconds without a byte.

    Raises:
        Forbidden: no camera may be there.
        NoSuchStream: it knows no stream of this path.
        Unsupported: there is no video in the stream.
        Unauthorized: it does not accept the user name and the password, or its certificate is not
            valid for this host.
        Refused: it answers, and does not play, or redirects elsewhere.
        Unreachable: nothing listens there.
        Silent: it does not answer.
        Garbage: it does not answer as an RTSP server does.
        Lost: the connection broke.
    """
    addresses = destinations.addresses(url)
    try:
        with ExitStack() as stack:
            connected = stack.enter_context(_connected(url, addresses, timeout))
            stream = stack.enter_context(connected.makefile("rwb"))
            answer = _Conversation(url, stream).describe()
    except ssl.SSLCertVerificationError as error:
        raise Unauthorized(f"{url}: its certificate is refused: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise Garbage(f"{url}: no TLS is spoken there ({error.reason})") from None
    except TimeoutError:
        raise Silent(f"{url}: no answer for {timeout:g} s") from None
    except OSError as error:
        raise Lost(f"{url}: the connection broke ({error.strerror or error})") from None
    return _read(url, answer)


def _connected(url: CameraUrl, addresses: Sequence[str], timeout: float) -> socket.socket:
    """To the first address that can be reached."""
    lost = Unreachable(f"{url}: out of reach")
    for address in addresses:
        try:
            plain = socket.create_connection((address, url.port), timeout)
        except ConnectionRefusedError:
            lost = Unreachable(f"{url}: the connection was refused")
        except TimeoutError:
            lost = Unreachable(f"{url}: out of reach: no answer for {timeout:g} s")
        except OSError as error:
            lost = Unreachable(f"{url}: out of reach ({error.strerror})")
        else:
            return _secured(url, plain) if url.scheme == "rtsps" else plain
    raise lost


def _secured(url: CameraUrl, plain: socket.socket) -> socket.socket:
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=url.host)
    except OSError:
        plain.close()
        raise


class _Conversation:
    """Requests and answers on one connection."""

    def __init__(self, url: CameraUrl, stream: BufferedRWPair) -> None:
        self._url = url
        self._uri = url.without_login
        self._stream = stream
        self._number = 0

    def describe(self) -> _Answer:
        """The answer to DESCRIBE, with the login if it is asked for.

        OPTIONS comes first, as some cameras want; whatever they answer to it but a redirect counts
        for nothing, as others refuse it.
        """
        options = self._ask("OPTIONS")
        if options.status in _REDIRECTS:
            return options
        answer = self._ask("DESCRIBE")
        if answer.status == _UNAUTHORIZED and self._url.user is not None:
            login = self._login(answer)
            answer = self._ask("DESCRIBE", {"Authorization": login}) if login else answer
        return answer

    def _ask(self, method: str, more: Mapping[str, str] | None = None) -> _Answer:
        self._number += 1
        headers = {"CSeq": str(self._number), "User-Agent": "faceapi", **(more or {})}
        if method == "DESCRIBE":
            headers["Accept"] = "application/sdp"
        lines = [f"{method} {self._uri} RTSP/1.0", *(f"{k}: {v}" for k, v in headers.items())]
        self._stream.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        self._stream.flush()
        return self._answer()

    def _answer(self) -> _Answer:
        version, _, rest = self._line().partition(" ")
        code = rest.partition(" ")[0]
        if not version.startswith("RTSP/") or not re.fullmatch(r"\d{3}", code):
            raise Garbage(f"{self._url}: what answers is no RTSP server")
        headers = list[tuple[str, str]]()
        while line := self._line():
            name, _, value = line.partition(":")
            headers.append((name.strip().lower(), value.strip()))
        answer = _Answer(int(code), headers, b"")
        length = answer.header("content-length") or "0"
        if not length.isdigit() or int(length) > _LONGEST:
            raise Garbage(f"{self._url}: an answer of {length[:20]} bytes; {_LONGEST} are allowed")
        return _Answer(answer.status, headers, self._stream.read(int(length)))

    def _line(self) -> str:
        line = self._stream.readline(_LONGEST)
        if not line.endswith(b"\n"):
            raise Lost(f"{self._url}: it ended in an answer")
        return line.decode("utf-8", "replace").rstrip("\r\n")

    def _login(self, refused: _Answer) -> str:
        """What proves who asks, by Digest where the camera offers it, else by Basic."""
        offers = [value for name, value in refused.headers if name == "www-authenticate"]
        user, password = self._url.user or "", self._url.password or ""
        for offer in offers:
            scheme, _, rest = offer.partition(" ")
            if scheme.lower() == "digest":
                given = {one[0].lower(): one[1] or one[2] for one in _PARAMETER.findall(rest)}
                if answer := _digest(given, user, password, "DESCRIBE", self._uri):
                    return answer
        if any(offer.lower().startswith("basic") for offer in offers):
            return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        return ""


def _digest(given: Mapping[str, str], user: str, password: str, method: str, uri: str) -> str:
    """RFC 2617, 3.2.2, with MD5 or SHA-256 (RFC 7616); empty where the camera wants another."""
    algorithm = given.get("algorithm", "MD5")
    try:
        name = {"MD5": "md5", "SHA-256": "sha256"}[algorithm.upper()]
    except KeyError:
        return ""

    def hashed(*parts: str) -> str:
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    realm, nonce = given.get("realm", ""), given.get("nonce", "")
    who, what = hashed(user, realm, password), hashed(method, uri)
    fields = {"username": user, "realm": realm, "nonce": nonce, "uri": uri}
    tail = ""
    if "auth" in re.split(r"[\s,]+", given.get("qop", "")):
        ours = secrets.token_hex(8)
        fields |= {"response": hashed(who, nonce, "00000001", ours, "auth", what), "cnonce": ours}
        tail = ", qop=auth, nc=00000001"
    else:
        fields["response"] = hashed(who, nonce, what)
    if "algorithm" in given:
        tail += f", algorithm={algorithm}"
    if "opaque" in given:
        fields["opaque"] = given["opaque"]
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in fields.items()) + tail


def _read(url: CameraUrl, answer: _Answer) -> Sequence[str]:
    if answer.status in _REDIRECTS:
        raise Refused(f"{url}: it redirects elsewhere ({answer.status}), which is not followed")
    if answer.status in (_UNAUTHORIZED, _FORBIDDEN):
        raise Unauthorized(f"{url}: {login_refused(url)}")
    if answer.status in (_NOT_FOUND, _GONE):
        raise NoSuchStream(f"{url}: there is no such stream ({answer.status}); is the path right?")
    if answer.status != _OK:
        raise Refused(f"{url}: it refuses to play ({answer.status}); has it too many viewers?")
    codecs = _video_codecs(answer.body.decode("utf-8", "replace"))
    if not codecs:
        raise Unsupported(f"{url}: there is no video in this stream")
    return codecs


def _video_codecs(description: str) -> Sequence[str]:
    """Of all tracks of a session description (RFC 8866); payload type 26 is JPEG (RFC 3551)."""
    codecs, video = list[str](), False
    for line in description.splitlines():
        if line.startswith("m="):
            media = line[2:].split()
            video = media[:1] == ["video"]
            codecs += ["JPEG"] if video and media[3:] == ["26"] else []
        elif video and (found := re.match(r"a=rtpmap:\d+\s+([^/\s]+)/", line)):
            codecs += [] if found[1].upper() in codecs else [found[1].upper()]
    return codecs


def login_refused(url: CameraUrl) -> str:
    """Why a camera does not let us in."""
    if url.user is None:
        return "the camera wants a user name and a password (rtsp://user:password@host/path)"
    return "the camera does not accept this user name and password for this stream"
