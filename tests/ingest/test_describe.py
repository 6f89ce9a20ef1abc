"""Our own first request to a camera, before scripted servers and a real certificate."""

import asyncio
import hashlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ingest.address import CameraUrl
from ingest.describe import describe
from ingest.destination import Destinations
from ingest.troubles import Cause, Forbidden, Unauthorized, cause_of
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip
from ingest.virtual.requests import Credentials
from pipeline.errors import FaceapiError

HERE = Destinations([ip_network("127.0.0.0/8")])
SDP = (
    "v=0\nm=audio 0 RTP/AVP 8\na=rtpmap:8 PCMA/8000\nm=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\n"
)
Answers = Callable[[str], bytes]
"""From a request to its answer."""


def said(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"RTSP/1.0 {status}", *headers, f"Content-Length: {len(body)}", "", body]
    return "\r\n".join(lines).encode()


@pytest.fixture
def server() -> Iterator[Callable[..., CameraUrl]]:
    """Starts a server that answers each request as it is told to; says where it is."""
    with ExitStack() as running:

        def start(answers: Answers, context: ssl.SSLContext | None = None) -> CameraUrl:
            port = running.enter_context(_serving(answers, context))
            scheme = "rtsps" if context else "rtsp"
            return CameraUrl(scheme, "127.0.0.1", port, "/1", "ann", "nite-word")

        yield start


@contextmanager
def _serving(answers: Answers, context: ssl.SSLContext | None) -> Iterator[int]:
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = door.accept()
            except OSError:
                return
            with plain, suppress(OSError, UnicodeDecodeError):  # who does not speak as we do
                _answer(context.wrap_socket(plain, server_side=True) if context else plain, answers)

    thread = threading.Thread(target=serve)
    thread.start()
    yield door.getsockname()[1]
    door.shutdown(socket.SHUT_RDWR)
    door.close()
    thread.join()


def _answer(connected: socket.socket, answers: Answers) -> None:
    with connected, connected.makefile("rwb") as stream:
        while lines := _request(stream.readline):
            told = answers(lines)
            stream.write(told)
            stream.flush()
            if b"\n\r\n" not in told:  # half an answer: it hangs up
                return


def _request(readline: Callable[[], bytes]) -> str:
    lines = list[str]()
    while (line := readline().decode().strip()) != "":
        lines.append(line)
    return "\n".join(lines)


def scripted(*steps: bytes) -> Answers:
    """The answers one after the other, and the last one again and again."""
    waiting = list(steps)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def noting(asked: list[str]) -> Answers:
    """A camera that takes everybody, and who asked it."""

    def answers(request: str) -> bytes:
        asked.append(request)
        return said("200 OK", body=SDP)

    return answers


def refused(url: CameraUrl, timeout: float = 5) -> FaceapiError:
    with pytest.raises(FaceapiError) as caught:
        describe(url, HERE, timeout)
    assert "nite-word" not in str(caught.value)
    return caught.value


Serving = Callable[..., CameraUrl]


def test_the_videos_codec_is_named_and_no_other_tracks(server: Serving) -> None:
    assert describe(server(scripted(said("200 OK", body=SDP))), HERE, 5) == ["H265"]


def test_jpeg_needs_no_map_of_its_own(server: Serving) -> None:
    url = server(scripted(said("200 OK", body="m=video 0 RTP/AVP 26\r\n")))
    assert describe(url, HERE, 5) == ["JPEG"]


def test_a_camera_that_knows_no_options_is_asked_all_the_same(server: Serving) -> None:
    url = server(scripted(said("501 Not Implemented"), said("200 OK", body=SDP)))
    assert describe(url, HERE, 5) == ["H265"]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "305 Use Proxy"])
@pytest.mark.parametrize("before", [(), (said("200 OK"),)])
def test_a_redirect_is_not_followed(server: Serving, status: str, before: Sequence[bytes]) -> None:
    asked = list[str]()
    elsewhere = server(noting(asked))
    there = f"Location: {elsewhere.without_login}"
    error = refused(server(scripted(*before, said(status, there))))
    assert cause_of(error) is Cause.REFUSED
    assert "redirects" in str(error)
    assert asked == []


@pytest.mark.parametrize(
    ("answer", "cause", "words"),
    [
        (
            said("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'),
            Cause.UNAUTHORIZED,
            "password",
        ),
        (said("403 Forbidden"), Cause.UNAUTHORIZED, "password"),
        (said("404 Not Found"), Cause.NOT_FOUND, "path"),
        (said("453 Not Enough Bandwidth"), Cause.REFUSED, "453"),
        (said("200 OK", body="m=audio 0 RTP/AVP 8\r\n"), Cause.UNSUPPORTED, "no video"),
        (said("200 OK"), Cause.UNSUPPORTED, "no video"),
        (b"HTTP/1.1 200 OK\r\n\r\n", Cause.GARBAGE, "no RTSP server"),
        (b"\x00\xff\x07\n\n\n", Cause.GARBAGE, "no RTSP server"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n", Cause.GARBAGE, "99999999"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", Cause.GARBAGE, "-1"),
        (b"RTSP/1.0 20", Cause.LOST, "in an answer"),
        (b"", Cause.LOST, "in an answer"),
    ],
)
def test_every_answer_has_a_reason(
    server: Serving, answer: bytes, cause: Cause, words: str
) -> None:
    error = refused(server(scripted(said("200 OK"), answer)))
    assert cause_of(error) is cause
    assert words in str(error)


@pytest.mark.parametrize(
    ("offer", "algorithm"),
    [
        ('realm="cam", nonce="n0"', "md5"),
        ('realm="cam", nonce="n0", qop="auth", opaque="o"', "md5"),
        ('realm="cam, yard", nonce="n0", algorithm=SHA-256, qop="auth,auth-int"', "sha256"),
    ],
)
def test_a_digest_proves_the_password_without_saying_it(
    server: Serving, offer: str, algorithm: str
) -> None:
    """The proof is computed here anew, by the words of RFC 2617, 3.2.2.1."""
    realm = "cam, yard" if "yard" in offer else "cam"

    def hashed(text: str) -> str:
        return hashlib.new(algorithm, text.encode()).hexdigest()

    def answers(request: str) -> bytes:
        if not request.startswith("DESCRIBE"):
            return said("200 OK")
        assert "nite-word" not in request
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', request.partition("Authorization: ")[2]))
        if not given:
            return said("401 Unauthorized", f"WWW-Authenticate: Digest {offer}")
        who, what = hashed(f"ann:{realm}:nite-word"), hashed(f"DESCRIBE:{given['uri']}")
        middle = f"00000001:{given['cnonce']}:auth:" if "qop" in offer else ""
        right = given["response"] == hashed(f"{who}:n0:{middle}{what}")
        return said("200 OK", body=SDP) if right else said("401 Unauthorized")

    assert describe(server(answers), HERE, 5) == ["H265"]


def test_the_virtual_cameras_digest_is_passed_and_a_wrong_password_is_not(
    film: Callable[..., Path],
) -> None:
    async def both() -> None:
        login = Credentials("ann", "nite-word")
        async with VirtualCamera({"1": read_clip(film(4))}, login=login) as camera:
            url = camera.url("1")
            assert await asyncio.to_thread(describe, url, HERE, 5) == ["H264"]
            wrong = CameraUrl(url.scheme, url.host, url.port, url.path, "ann", "nite-wordy")
            with pytest.raises(Unauthorized, match="does not accept"):
                await asyncio.to_thread(describe, wrong, HERE, 5)

    asyncio.run(both())


def test_basic_is_taken_where_nothing_better_is_offered(server: Serving) -> None:
    def answers(request: str) -> bytes:
        if "Authorization: Basic YW5uOm5pdGUtd29yZA==" in request:
            return said("200 OK", body=SDP)
        return said("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')

    assert describe(server(answers), HERE, 5) == ["H265"]


def test_a_mute_camera_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = CameraUrl("rtsp", "127.0.0.1", door.getsockname()[1], "/1", "ann", "nite-word")
        error = refused(url, timeout=0.2)
    assert cause_of(error) is Cause.TIMEOUT
    assert "no answer for 0.2 s" in str(error)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    error = refused(CameraUrl("rtsp", "127.0.0.1", port, "/1"))
    assert cause_of(error) is Cause.UNREACHABLE
    assert "refused" in str(error)


def test_nothing_is_sent_to_where_no_camera_may_be(server: Serving) -> None:
    asked = list[str]()
    url = server(noting(asked))
    with pytest.raises(Forbidden, match="loopback"):
        describe(url, Destinations([ip_network("0.0.0.0/0")]), 5)
    assert asked == []


@pytest.mark.parametrize("name", ["127.0.0.1", "another.example"])
def test_a_certificate_must_be_valid_for_the_host(
    server: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    certificate = _certificate(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))  # it is trusted, for its own name
    url = server(scripted(said("200 OK", body=SDP)), context)
    if name == "127.0.0.1":
        assert describe(url, HERE, 5) == ["H265"]
    else:
        error = refused(url)
        assert cause_of(error) is Cause.UNAUTHORIZED
        assert "certificate" in str(error)


def test_plain_rtsp_behind_an_rtsps_address_is_said_to_be_that(server: Serving) -> None:
    plain = server(scripted(b"RTSP/1.0 400 Bad Request\r\n\r\n"))
    secure = CameraUrl("rtsps", plain.host, plain.port, "/1")
    assert cause_of(refused(secure, 1)) is Cause.GARBAGE


def _certificate(folder: Path, host: str) -> Path:
    """A certificate for a host with its key, signed by itself, in one PEM file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    spoken: x509.GeneralName = x509.DNSName(host)
    if host[0].isdigit():
        spoken = x509.IPAddress(ip_network(host).network_address)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([spoken]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    written = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "camera.pem"
    file.write_bytes(written + made.public_bytes(serialization.Encoding.PEM))
    return file
