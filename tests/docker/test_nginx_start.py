"""How nginx is started: settings that are refused, and certificates that are there or not."""

import hashlib
import os
import signal
import socket
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.docker.proxy import Nginx
from tests.docker.upstream import Upstream, serving
from tests.system.service import wait_until

pytestmark = pytest.mark.system

NewNginx = Callable[..., Nginx]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("BACKEND_UPLOAD_LIMIT", bad) for bad in ("64m", "0", "4097", "-1", "6 4", "064", "1;")),
        *(("HTTPS_PORT", bad) for bad in ("0", "65536", "https")),
        *(("DOMAIN_NAME", bad) for bad in ("a b", "x.example;", "../x", "-x.example", "a..b")),
        *(("DOMAIN_NAME", bad) for bad in ("$host", "x.example\nx", "a" * 254)),
        *(("API_V1_STR", bad) for bad in ("api", "/", "/a b", "/a/../b", "/x$uri", "/x;", "/x/")),
        *(("API_V1_STR", bad) for bad in ("/health", "/metrics/x")),
        *(("TRUSTED_PROXIES", bad) for bad in ("host", "10.0.0.1;", "1.2.3", "1.2.3.256", "::g")),
        *(("TRUSTED_PROXIES", bad) for bad in ("10.0.0.0/33", "10.0.0.1, x", "1::2::3", "/8")),
        *(("TRUSTED_PROXIES", bad) for bad in ("0.0.0.0/0", "::/0", "fd00::/129", "10.0.0.1\nx;")),
        *(("NGINX_BACKEND", bad) for bad in ("backend", "backend:x", "a b:1", "$x:1", ":1")),
        *(("NGINX_RESOLVER", bad) for bad in ("x", "1.2.3.4 5.6.7.8", "1.2.3.4;")),
        *(("NGINX_CERTIFICATES", bad) for bad in ("certificates", "/x y", "/$x")),
    ],
)
def test_a_value_that_is_none_is_refused_and_gets_nowhere(
    new_nginx: NewNginx, name: str, value: str
) -> None:
    nginx = new_nginx(**{name: value})
    status, said = nginx.tried()
    assert status == 78
    assert f"nginx: {name} is " in said
    assert "allowed: " in said
    assert not (nginx.folder / "run").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BACKEND_UPLOAD_LIMIT", "4096"),
        ("API_V1_STR", "/faces/v1.0"),
        ("TRUSTED_PROXIES", ""),
        ("TRUSTED_PROXIES", "10.0.0.7, 172.16.0.0/12 fd00::/8,::1,2001:db8:1:2:3:4:5:6"),
        ("DOMAIN_NAME", ""),
        ("NGINX_RESOLVER", "127.0.0.1:5353"),
    ],
)
def test_a_good_value_makes_a_good_configuration(
    new_nginx: NewNginx, name: str, value: str
) -> None:
    assert new_nginx(**{name: value}).tried() == (0, "")


def test_a_certificate_makes_a_good_configuration(new_nginx: NewNginx) -> None:
    nginx = new_nginx(DOMAIN_NAME="localhost")
    nginx.certify()
    assert nginx.tried() == (0, "")
    assert "ssl_certificate " in (nginx.folder / "run" / "site.conf").read_text()


@pytest.mark.parametrize(
    ("version", "parameter", "directive"),
    [("1.22.1", " http2", ""), ("1.25.1", "", "http2 on;"), ("1.28.0", "", "http2 on;")],
)
def test_each_version_is_told_of_http_2_in_its_own_way(
    new_nginx: NewNginx, version: str, parameter: str, directive: str
) -> None:
    """The image has a newer nginx than Debian: here only its name is asked for."""
    nginx = new_nginx(DOMAIN_NAME="localhost")
    program = nginx.folder / "nginx"
    program.write_text(f"#!/bin/sh\necho nginx version: nginx/{version} >&2\n")
    program.chmod(0o755)
    nginx.environ = {**nginx.environ, "PATH": f"{nginx.folder}:{os.environ['PATH']}"}
    nginx.certify()
    assert nginx.tried()[0] == 0
    site = (nginx.folder / "run" / "site.conf").read_text()
    assert f" ssl{parameter} default_server" in site
    assert directive in site
    assert ("http2 on;" in site) == bool(directive)


def without_key(folder: Path) -> None:
    (folder / "privkey.pem").unlink()


def of_another_user(folder: Path) -> None:
    (folder / "privkey.pem").chmod(0)
    os.chown(folder / "privkey.pem", os.geteuid(), os.getegid())


def empty(folder: Path) -> None:
    (folder / "fullchain.pem").write_text("")


@pytest.mark.parametrize(
    ("spoil", "file"),
    [
        (without_key, "privkey.pem"),
        (of_another_user, "privkey.pem"),
        (empty, "fullchain.pem"),
    ],
)
def test_without_a_certificate_it_says_so_and_serves_plain_http(
    new_nginx: NewNginx, spoil: Callable[[Path], None], file: str
) -> None:
    with serving(Upstream()) as place:
        nginx = new_nginx(DOMAIN_NAME="localhost", NGINX_FRONTEND=place)
        folder = nginx.certify()
        spoil(folder)
        with nginx.running():
            answer = httpx.get(nginx.url)
            assert answer.status_code == 200
            assert "strict-transport-security" not in answer.headers
            assert "no HTTPS: DOMAIN_NAME is localhost" in nginx.said()
            assert str(folder / file) in nginx.said()


def test_a_certificate_that_is_none_stops_the_start(new_nginx: NewNginx) -> None:
    nginx = new_nginx(DOMAIN_NAME="localhost")
    (nginx.certify() / "fullchain.pem").write_text("nonsense")
    status, said = nginx.tried()
    assert status == 1
    assert "fullchain.pem" in said


def shown_certificate(nginx: Nginx) -> str:
    text = ssl.get_server_certificate(("127.0.0.1", nginx.https))
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_renewed_certificate_is_taken_at_sighup(new_nginx: NewNginx) -> None:
    nginx = new_nginx(DOMAIN_NAME="localhost")
    nginx.certify()
    with nginx.running():
        old = shown_certificate(nginx)
        nginx.certify()
        assert shown_certificate(nginx) == old
        os.kill(nginx.pid, signal.SIGHUP)
        wait_until(lambda: shown_certificate(nginx) != old, "the new certificate")


@pytest.fixture
def secure(new_nginx: NewNginx) -> Nginx:
    """With a certificate, for an upstream that is not there."""
    nginx = new_nginx(DOMAIN_NAME="localhost")
    nginx.certify()
    return nginx


def test_http_leads_to_https_with_the_same_path_and_method(secure: Nginx) -> None:
    with secure.running():
        for host in ("localhost", "evil.example"):
            answer = httpx.post(f"{secure.url}/api/v1/people?query=x", headers={"Host": host})
            assert answer.status_code == 308
            there = f"https://localhost:{secure.https}/api/v1/people?query=x"
            assert answer.headers["location"] == there
            assert "strict-transport-security" not in answer.headers


def test_the_usual_port_is_not_named(new_nginx: NewNginx) -> None:
    nginx = new_nginx(DOMAIN_NAME="localhost", HTTPS_PORT="443")
    nginx.certify()
    with nginx.running():
        assert httpx.get(f"{nginx.url}/x").headers["location"] == "https://localhost/x"


@pytest.mark.parametrize("has_certificate", [False, True])
def test_the_issuer_of_certificates_finds_its_proof(
    new_nginx: NewNginx, has_certificate: bool
) -> None:
    nginx = new_nginx(DOMAIN_NAME="localhost")
    if has_certificate:
        nginx.certify()
    folder = nginx.folder / "certificates" / "acme" / ".well-known" / "acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("proof")
    with nginx.running():
        answer = httpx.get(f"{nginx.url}/.well-known/acme-challenge/token")
        assert (answer.status_code, answer.text) == (200, "proof")
        assert httpx.get(f"{nginx.url}/.well-known/acme-challenge/x").status_code == 404


def test_whoever_watches_the_machine_is_not_redirected(new_nginx: NewNginx) -> None:
    with serving(Upstream()) as place:
        nginx = new_nginx(DOMAIN_NAME="localhost", NGINX_BACKEND=place)
        nginx.certify()
        with nginx.running():
            assert httpx.get(f"{nginx.url}/health/live").status_code == 200


def negotiated(nginx: Nginx, context: ssl.SSLContext) -> tuple[str | None, str | None]:
    """TLS' version and the protocol above it."""
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", nginx.https), timeout=20) as door,
        context.wrap_socket(door) as secured,
    ):
        return secured.version(), secured.selected_alpn_protocol()


def test_tls_is_new_and_speaks_http_2(secure: Nginx) -> None:
    with secure.running():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(["h2", "http/1.1"])
        assert negotiated(secure, context) == ("TLSv1.3", "h2")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        assert negotiated(secure, context) == ("TLSv1.2", "h2")


def test_old_tls_is_refused(secure: Nginx) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with secure.running(), pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
        negotiated(secure, context)


def test_it_writes_in_its_own_folder_only(new_nginx: NewNginx) -> None:
    nginx = new_nginx()
    with nginx.running():
        httpx.post(f"{nginx.url}/api/v1/detect", content=bytes(1 << 20))
        opened = {
            str(link.readlink())
            for process in [nginx.pid, *children(nginx.pid)]
            for link in Path(f"/proc/{process}/fd").iterdir()
        }
        files = {path for path in opened if path.startswith("/") and path != "/dev/null"}
        assert len(files) >= 2
        assert {path for path in files if not path.startswith(f"{nginx.folder}/")} == set()


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
