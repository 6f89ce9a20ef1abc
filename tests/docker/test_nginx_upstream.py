"""What nginx hands on and what it answers itself, seen from behind: upstreams of the tests' own."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx
import pytest

from tests.docker.proxy import PROBLEM, Nginx, free_port, raw
from tests.docker.upstream import Answer, Asked, Upstream, resolving, serving, trickling
from tests.system.service import wait_until

pytestmark = pytest.mark.system

NewNginx = Callable[..., Nginx]
Proxied = Callable[..., AbstractContextManager[Nginx]]


@pytest.fixture
def backend() -> Upstream:
    return Upstream()


@pytest.fixture
def proxied(new_nginx: NewNginx, backend: Upstream) -> Proxied:
    """Starts a proxy before ``backend``, with these settings."""

    @contextmanager
    def running(**environ: str) -> Iterator[Nginx]:
        with (
            serving(backend) as place,
            new_nginx(NGINX_BACKEND=place, NGINX_FRONTEND=place, **environ).running() as nginx,
        ):
            yield nginx

    return running


# Who asks

LIES = {
    "X-Forwarded-For": "203.0.113.9, 127.0.0.5",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1",
    "X-Real-IP": "203.0.113.9",
    "Forwarded": "for=203.0.113.9",
}


def told(asked: Asked) -> dict[str, list[str]]:
    """What the backend was told of who asks."""
    return {name: values for name in LIES if (values := asked.headers.get_all(name))}


@pytest.mark.parametrize("trusted", ["", "192.0.2.0/24, fd00::/8"])
def test_a_client_is_not_believed_about_itself(
    proxied: Proxied, backend: Upstream, trusted: str
) -> None:
    with proxied(TRUSTED_PROXIES=trusted) as nginx:
        httpx.get(f"{nginx.url}/api/v1/people", headers=LIES)
        assert told(backend.last) == {
            "X-Forwarded-For": ["127.0.0.1"],
            "X-Forwarded-Proto": ["http"],
        }
        assert [line["client"] for line in nginx.logged(1)] == ["127.0.0.1"]


@pytest.mark.parametrize("trusted", ["127.0.0.0/8", "192.0.2.1 127.0.0.1,127.0.0.5"])
def test_a_trusted_proxy_is_believed(proxied: Proxied, backend: Upstream, trusted: str) -> None:
    with proxied(TRUSTED_PROXIES=trusted) as nginx:
        httpx.get(f"{nginx.url}/api/v1/people", headers=LIES)
        assert told(backend.last) == {
            "X-Forwarded-For": ["203.0.113.9"],
            "X-Forwarded-Proto": ["https"],
        }
        assert [line["client"] for line in nginx.logged(1)] == ["203.0.113.9"]


def test_only_the_last_untrusted_address_counts(proxied: Proxied, backend: Upstream) -> None:
    lies = {"X-Forwarded-For": "10.9.9.9, 203.0.113.9, 127.0.0.1", "X-Forwarded-Proto": "gopher"}
    with proxied(TRUSTED_PROXIES="127.0.0.1") as nginx:
        httpx.get(f"{nginx.url}/api/v1/people", headers=lies)
        assert told(backend.last) == {
            "X-Forwarded-For": ["203.0.113.9"],
            "X-Forwarded-Proto": ["http"],
        }


def test_the_host_is_handed_on_as_it_was_asked(proxied: Proxied, backend: Upstream) -> None:
    with proxied() as nginx:
        httpx.get(f"{nginx.url}/api/v1/people", headers={"Host": "faces.example:8443"})
        assert backend.last.headers["Host"] == "faces.example:8443"


# What is asked, and what is answered


def test_a_path_is_handed_on_as_it_was_asked(proxied: Proxied, backend: Upstream) -> None:
    target = "/api/v1/people?query=%C3%84nn%20%2B&after="
    with proxied() as nginx:
        raw(nginx.http, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert backend.last.path == target


SDP = "application/sdp"
SESSION = "/api/v1/cameras/6b2f3f0e/whep/sessions/1"


def whep(asked: Asked) -> Answer:
    if asked.method != "POST":
        return Answer(204 if asked.method == "PATCH" else 200)
    headers = (
        ("Content-Type", SDP),
        ("Location", SESSION),
        ("ETag", '"1"'),
        ("Link", '<stun:stun.example:3478>; rel="ice-server"'),
        ("Link", '<turn:turn.example:3478>; rel="ice-server"; username="u"; credential="c"'),
        ("Accept-Patch", "application/trickle-ice-sdpfrag"),
    )
    return Answer(201, headers, b"v=0\r\n" + b"a=candidate\r\n" * 200)


def test_webrtc_is_negotiated_through_it(proxied: Proxied, backend: Upstream) -> None:
    """RFC 9725 and its sister for players: nothing of an answer is changed."""
    backend.answer = whep
    with proxied() as nginx, httpx.Client(base_url=nginx.url) as client:
        path = "/api/v1/cameras/6b2f3f0e/whep"
        made = client.post(path, content=b"v=0\r\n", headers={"Content-Type": SDP})
        assert (made.status_code, backend.last.body) == (201, b"v=0\r\n")
        assert backend.last.headers["Content-Type"] == SDP
        expected = whep(backend.last)
        assert made.content == expected.body
        kept = {"content-type", "location", "etag", "link", "accept-patch"}
        given = [(name, value) for name, value in made.headers.multi_items() if name in kept]
        assert sorted(given) == sorted((name.lower(), value) for name, value in expected.headers)
        trickle = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": '"1"'}
        assert client.patch(SESSION, content=b"a=x\r\n", headers=trickle).status_code == 204
        assert backend.last.headers["If-Match"] == '"1"'
        assert client.delete(SESSION).status_code == 200
        assert [one.method for one in backend.asked] == ["POST", "PATCH", "DELETE"]


def test_a_video_comes_through_part_by_part(new_nginx: NewNginx) -> None:
    with (
        trickling() as (place, more),
        new_nginx(NGINX_BACKEND=place).running() as nginx,
        httpx.stream("GET", f"{nginx.url}/api/v1/cameras/6b2f3f0e/video") as video,
    ):
        parts = video.iter_bytes()
        assert b"first" in next(parts)
        more.set()
        assert b"second" in next(parts)


def test_an_upload_is_handed_on_while_it_comes(proxied: Proxied, backend: Upstream) -> None:
    half = 300_000
    head = f"POST /api/v1/detect HTTP/1.1\r\nHost: x\r\nContent-Length: {2 * half}\r\n"
    with (
        proxied() as nginx,
        socket.create_connection(("127.0.0.1", nginx.http), timeout=20) as door,
    ):
        door.sendall(head.encode() + b"Connection: close\r\n\r\n" + bytes(half))
        wait_until(lambda: backend.received == half, "the first half behind nginx")
        door.sendall(bytes(half))
        assert door.recv(65536).startswith(b"HTTP/1.1 200 ")


# The backend comes and goes


def test_while_the_backend_is_away_it_says_so_and_then_goes_on(new_nginx: NewNginx) -> None:
    place = f"127.0.0.1:{free_port()}"
    with new_nginx(NGINX_BACKEND=place, NGINX_FRONTEND=place).running() as nginx:
        for path in ("/api/v1/people", "/api/v1/auth/token", "/health", "/health/live"):
            assert_is_away(httpx.get(nginx.url + path))
        page = httpx.get(nginx.url)
        assert (page.status_code, "logs prod frontend" in page.text) == (502, True)
        with serving(Upstream(), port=int(place.split(":")[1])):
            assert httpx.get(f"{nginx.url}/api/v1/people").status_code == 200
        assert_is_away(httpx.get(f"{nginx.url}/api/v1/people"))


def assert_is_away(answer: httpx.Response) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["title"]) == (502, 502, "Bad Gateway")
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["retry-after"] == "5"
    assert "./deploy.sh logs prod backend" in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_backend_with_another_address_is_found_again(new_nginx: NewNginx) -> None:
    """As when its container is made anew."""
    port, names = free_port(), dict[str, str]()
    with (
        resolving(names) as resolver,
        new_nginx(NGINX_BACKEND=f"backend:{port}", NGINX_RESOLVER=resolver).running() as nginx,
    ):
        assert_is_away(httpx.get(f"{nginx.url}/health"))  # a name that nobody has
        for address in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):  # more than there are workers
            names["backend"] = address
            backend = Upstream()
            with serving(backend, address, port):
                wait_until(
                    lambda: httpx.get(f"{nginx.url}/health").status_code == 200,
                    f"the backend at {address}",
                )
            assert [one.path for one in backend.asked] == ["/health"]


def test_it_is_well_without_the_backend(new_nginx: NewNginx) -> None:
    with new_nginx().running() as nginx:  # its resolver is Docker's, which is not here
        answer = httpx.get(f"http://127.0.0.1:{nginx.health}/")
        assert (answer.status_code, answer.text) == (200, "well\n")
        assert httpx.get(f"{nginx.url}/health", timeout=20).status_code == 502


# Guessing passwords


def test_who_is_guessed_for_does_not_harm_others(proxied: Proxied, backend: Upstream) -> None:
    with (
        proxied(TRUSTED_PROXIES="127.0.0.1") as nginx,
        httpx.Client(base_url=f"{nginx.url}/api/v1") as client,
    ):

        def tried(address: str, path: str = "/auth/token") -> int:
            return client.post(path, headers={"X-Forwarded-For": address}).status_code

        first = [tried("203.0.113.1") for _ in range(8)]
        assert first == [200] * 6 + [429] * 2
        assert tried("203.0.113.2") == 200
        assert tried("203.0.113.1", "/people") == 200
        assert tried("203.0.113.1", "/auth//token") == 429
        assert client.get("/auth/token").status_code == 200
        assert len(backend.asked) == 9


# What is nobody's business


@pytest.mark.parametrize("is_away", [False, True])
def test_no_query_is_logged(new_nginx: NewNginx, is_away: bool) -> None:
    """Tickets of the websocket and names that are searched for are in queries."""
    with serving(Upstream()) as place:
        backend = f"127.0.0.1:{free_port()}" if is_away else place
        with new_nginx(NGINX_BACKEND=backend, NGINX_FRONTEND=backend).running() as nginx:
            paths = ["/api/v1/live", "/api/v1/people", "/metrics", "/", "/x%20y"]
            headers = {"Referer": "http://x/?secret", "User-Agent": "secret"}
            for path in paths:
                httpx.get(f"{nginx.url}{path}?ticket=secret&query=secret", headers=headers)
            upload = {"Content-Length": str(65 << 20)}
            ask_raw(
                nginx,
                "/api/v1/detect?secret",
                "".join(map("{0[0]}: {0[1]}\r\n".format, upload.items())),
            )
            ask_raw(nginx, "/api/v1/x?secret", f"Cookie: {'secret' * 10_000}\r\n")
            logged = [line["path"] for line in nginx.logged(len(paths) + 2)]
            assert logged[: len(paths)] == paths
            assert "secret" not in nginx.said() + (nginx.folder / "nginx.out").read_text()


def test_what_is_logged_can_be_found_again(proxied: Proxied, backend: Upstream) -> None:
    backend.answer = lambda _: Answer(422, (("X-Request-ID", "of-the-service"),))
    with proxied() as nginx:
        answer = httpx.post(f"{nginx.url}/api/v1/people")
        assert answer.headers.get_list("x-request-id") == ["of-the-service"]
        (line,) = nginx.logged(1)
        assert (line["id"], line["status"], line["method"]) == ("of-the-service", 422, "POST")


# Nonsense


def ask_raw(nginx: Nginx, target: str, headers: str = "", host: str = "x") -> tuple[int, str]:
    """Status and all of the answer to a request line that no client would make better."""
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
    return raw(nginx.http, head.encode("latin-1"))


@pytest.mark.parametrize(
    ("target", "headers", "host"),
    [
        ("/", "", "a b"),
        ("/", "", "x/../y"),
        ("/", "", ".."),
        ("/", "Host: y\r\n", "x"),
        ("/", "", ""),
        ("/", f"X: {'x' * 40_000}\r\n", "x"),
        ("/", "x: 1\r\n" * 6000, "x"),
        (f"/{'x' * 40_000}", "", "x"),
        ("/../etc/passwd", "", "x"),
        ("/api/v1/../../../etc/passwd", "", "x"),
        ("/..%2f..%2fetc/passwd", "", "x"),
        ("/%00", "", "x"),
        ("/%zz", "", "x"),
        ("no-path", "", "x"),
        ("/", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "x"),
        ("/", "Content-Length: -1\r\n", "x"),
    ],
)
def test_nonsense_is_refused_and_reaches_nobody(
    proxied: Proxied, backend: Upstream, target: str, headers: str, host: str
) -> None:
    with proxied() as nginx:
        status, answer = ask_raw(nginx, target, headers, host)
        assert status in {400, 414}
        assert "nginx/" not in answer
        assert backend.asked == []
        assert httpx.get(f"{nginx.url}/api/v1/people").status_code == 200


METRICS = ["/metrics", "/metrics/", "/metrics?x", "//metrics", "/%6detrics", "/health/../metrics"]


@pytest.mark.parametrize(
    "target", [*METRICS, "/api/v1/../../metrics", "/x/%2e%2e/metrics", "http://backend/metrics"]
)
def test_metrics_are_not_to_be_had(proxied: Proxied, backend: Upstream, target: str) -> None:
    with proxied() as nginx:
        status, answer = ask_raw(nginx, target)
        assert (status, PROBLEM in answer) == (404, True)
        assert backend.asked == []
