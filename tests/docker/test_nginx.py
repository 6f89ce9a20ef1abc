"""A real nginx before the real program and its page: nothing is lost, and a little is added."""

import json
import os
import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from api.command.film import COLLINS
from api.http.requests import _POLICY
from tests.docker.proxy import PROBLEM, ROOT, Nginx, frontend, raw
from tests.system.service import Live, Service, passable_folder, wait_until

pytestmark = pytest.mark.system

NewNginx = Callable[..., Nginx]

LIMIT = 2
"""Megabytes that the program takes in here."""
BUILT = ROOT / "dashboards" / "web" / "dist"
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The program with its demo camera."""
    cache = os.environ.get("FACEAPI_CACHE_DIR") or str(tmp_path_factory.mktemp("cache"))
    with passable_folder() as folder:
        environ = {"FACEAPI_CACHE_DIR": cache, "BACKEND_UPLOAD_LIMIT": str(LIMIT)}
        running = Service(folder, ("demo",), environ).start()
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built page, else a folder of the same shape."""
    if BUILT.is_dir():
        return BUILT
    folder = tmp_path_factory.mktemp("page")
    (folder / "assets").mkdir()
    (folder / "assets" / "index-BxlG4vmg.js").write_text("// a script\n" * 500)
    (folder / "assets" / "index-CKss_LbJ.css").write_text("body { margin: 0 }\n" * 500)
    (folder / "favicon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "index.html").write_text('<!doctype html><div id="app"></div>')
    return folder


@pytest.fixture(scope="module")
def settings(_nginx: None, program: Service, page: Path) -> Iterator[dict[str, str]]:
    """Of a proxy before the program and its page."""
    with passable_folder() as folder, frontend(folder, page) as place:
        yield {
            "NGINX_BACKEND": program.url.removeprefix("http://"),
            "NGINX_FRONTEND": place,
            "BACKEND_UPLOAD_LIMIT": str(LIMIT),
        }


@pytest.fixture(scope="module")
def nginx(settings: dict[str, str]) -> Iterator[Nginx]:
    """Over plain HTTP."""
    with passable_folder() as folder, Nginx(folder, settings).running() as running:
        yield running


@pytest.fixture(scope="module")
def secure(settings: dict[str, str]) -> Iterator[Nginx]:
    """Over HTTPS."""
    with passable_folder() as folder:
        proxy = Nginx(folder, {**settings, "DOMAIN_NAME": "localhost"})
        proxy.certify()
        with proxy.running():
            yield proxy


def trusting(nginx: Nginx) -> ssl.SSLContext:
    folder = nginx.folder / "certificates" / "localhost"
    return ssl.create_default_context(cafile=folder / "fullchain.pem")


@pytest.fixture(scope="module")
def token(program: Service) -> str:
    with program.client() as client:
        return str(client.headers["authorization"])


@pytest.fixture
def client(nginx: Nginx, token: str) -> Iterator[httpx.Client]:
    """The API through nginx, signed in."""
    headers = {"Authorization": token}
    with httpx.Client(base_url=f"{nginx.url}/api/v1", headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def secure_client(secure: Nginx, token: str) -> Iterator[httpx.Client]:
    base, headers = f"{secure.secure_url}/api/v1", {"Authorization": token}
    with httpx.Client(base_url=base, headers=headers, verify=trusting(secure)) as client:
        yield client


@pytest.fixture(scope="module")
def camera(program: Service, token: str) -> str:
    answer = httpx.get(f"{program.url}/api/v1/cameras", headers={"Authorization": token})
    (one,) = answer.json()["items"]
    return str(one["id"])


# The API


def test_who_signs_in_sees_the_people(nginx: Nginx, program: Service) -> None:
    form = {"username": "admin", "password": program.password}
    answer = httpx.post(f"{nginx.url}/api/v1/auth/token", data=form)
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    people = httpx.get(f"{nginx.url}/api/v1/people?query=coll", headers=headers).json()
    assert [one["name"] for one in people["items"]] == [COLLINS]


def test_health_is_the_programs(nginx: Nginx) -> None:
    assert httpx.get(f"{nginx.url}/health/live").json() == {"status": "well"}
    assert "parts" in httpx.get(f"{nginx.url}/health").json()


def test_metrics_stay_inside(nginx: Nginx, program: Service) -> None:
    assert "faceapi_frames_total" in httpx.get(f"{program.url}/metrics").text
    for target in ("/metrics", "/health/../metrics", "/api/v1/%2e%2e/%2e%2e/metrics"):
        head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        status, answer = raw(nginx.http, head.encode())
        assert (status, "faceapi_" in answer) == (404, False)


# Live results and pictures


def ticket(client: httpx.Client) -> str:
    return str(client.post("/live/tickets").json()["ticket"])


def live(opened: ClientConnection, camera: str) -> Live:
    opened.send(json.dumps({"type": "subscribe", "cameras": [camera]}))
    return Live(opened)


def test_results_come_live(nginx: Nginx, client: httpx.Client, camera: str) -> None:
    address = f"{nginx.url}/api/v1/live?ticket={ticket(client)}".replace("http", "ws", 1)
    with connect(address, additional_headers={"Origin": nginx.url}) as opened:
        assert live(opened, camera).named(COLLINS)["camera"] == camera


def test_results_come_live_over_tls(
    secure: Nginx, secure_client: httpx.Client, camera: str
) -> None:
    address = f"{secure.secure_url}/api/v1/live?ticket={ticket(secure_client)}"
    context, origin = trusting(secure), {"Origin": secure.secure_url}
    with connect(
        address.replace("http", "ws", 1), ssl=context, additional_headers=origin
    ) as opened:
        assert live(opened, camera).named(COLLINS)["camera"] == camera


def test_a_page_from_elsewhere_may_not_listen(nginx: Nginx, client: httpx.Client) -> None:
    address = f"{nginx.url}/api/v1/live?ticket={ticket(client)}".replace("http", "ws", 1)
    headers = {"Origin": "http://evil.example", "X-Forwarded-Host": "evil.example"}
    with connect(address, additional_headers=headers) as opened, pytest.raises(ConnectionClosed):
        opened.recv(timeout=10)
    assert opened.close_code == 4403


def test_no_ticket_is_logged(nginx: Nginx, client: httpx.Client) -> None:
    used = ticket(client)
    with connect(f"{nginx.url}/api/v1/live?ticket={used}".replace("http", "ws", 1)):
        pass
    log = nginx.folder / "nginx.out"
    wait_until(lambda: '"path":"/api/v1/live","' in log.read_text(), "the websocket's line")
    assert used not in log.read_text() + nginx.said()


def test_a_video_is_neither_kept_nor_compressed(client: httpx.Client, camera: str) -> None:
    headers = {"Accept-Encoding": "gzip"}
    with client.stream("GET", f"/cameras/{camera}/video", headers=headers) as video:
        assert video.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
        assert "content-encoding" not in video.headers
        parts = b""
        for chunk in video.iter_raw():
            parts += chunk
            if parts.count(b"--frame\r\n") > 3:
                break
    numbers = [int(line.split()[1]) for line in parts.split(b"\r\n") if line[:6] == b"X-Seq:"]
    assert len(numbers) >= 3
    assert numbers == sorted(set(numbers))


# Uploads


def form_of(size: int) -> tuple[bytes, dict[str, str]]:
    """A form of exactly so many bytes, with a photograph that is none."""
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
    tail = b"\r\n--b--\r\n"
    body = head + bytes(size - len(head) - len(tail)) + tail
    assert len(body) == size
    return body, {"Content-Type": "multipart/form-data; boundary=b"}


def test_an_upload_at_the_limit_reaches_the_program(client: httpx.Client) -> None:
    body, headers = form_of(LIMIT << 20)
    answer = client.post("/detect", content=body, headers=headers)
    assert (answer.status_code, "no picture" in answer.json()["detail"]) == (422, True)


def pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 1 << 16):
        yield body[start : start + (1 << 16)]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_an_upload_above_the_limit_is_refused_by_nginx(
    client: httpx.Client, nginx: Nginx, is_chunked: bool
) -> None:
    body, headers = form_of((LIMIT << 20) + 1)
    content = pieces(body) if is_chunked else body
    answer = client.post("/detect", content=content, headers=headers)
    assert_too_large(answer)
    assert "instance" not in answer.json()  # the program names it
    identifier = answer.json()["request_id"]
    log = nginx.folder / "nginx.out"
    wait_until(lambda: f'"id":"{identifier}"' in log.read_text(), "its line, under nginx's id")


def assert_too_large(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)
    assert answer.json()["status"] == 413
    assert answer.json()["detail"] == f"more than {LIMIT} MB; allowed: BACKEND_UPLOAD_LIMIT"
    assert answer.headers.get_list("x-request-id") == [answer.json()["request_id"]]


def test_what_the_program_refuses_comes_through_as_it_is(
    new_nginx: NewNginx, settings: dict[str, str], token: str
) -> None:
    """Here nginx would take more."""
    body, headers = form_of((LIMIT << 20) + 1)
    with new_nginx(**{**settings, "BACKEND_UPLOAD_LIMIT": "64"}).running() as nginx:
        address = f"{nginx.url}/api/v1/detect"
        answer = httpx.post(address, content=body, headers={**headers, "Authorization": token})
        assert_too_large(answer)
        assert answer.json()["instance"] == "/api/v1/detect"


# Guessing passwords


def test_guessing_is_slowed_down_and_nothing_else(
    new_nginx: NewNginx, settings: dict[str, str], token: str
) -> None:
    form = {"username": "admin", "password": "guessed"}
    with new_nginx(**settings).running() as nginx:
        guesses = [httpx.post(f"{nginx.url}/api/v1/auth/token", data=form) for _ in range(8)]
        assert [answer.status_code for answer in guesses] == [401] * 6 + [429] * 2
        problem = guesses[-1]
        assert problem.headers["content-type"] == PROBLEM
        assert problem.headers["retry-after"] == "6"
        assert "10 a minute" in problem.json()["detail"]
        people = [
            httpx.get(f"{nginx.url}/api/v1/people", headers={"Authorization": token})
            for _ in range(20)
        ]
        assert {answer.status_code for answer in people} == {200}


# The page and what goes with every answer


def asset(page: Path, suffix: str) -> str:
    (found,) = (page / "assets").glob(f"index-*{suffix}")
    return f"/assets/{found.name}"


CAREFUL = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.mark.parametrize(
    "path",
    ["/", "SCRIPT", "/assets/none.js", "/api/v1/people", "/api/v1/nothing", "/metrics", "/health"],
)
def test_every_answer_has_each_careful_header_once(
    nginx: Nginx, secure: Nginx, page: Path, path: str
) -> None:
    path = asset(page, ".js") if path == "SCRIPT" else path
    for base, transport in ((nginx.url, []), (secure.secure_url, ["max-age=31536000"])):
        answer = httpx.get(base + path, verify=trusting(secure))
        for name, value in CAREFUL.items():
            assert answer.headers.get_list(name) == [value]
        assert answer.headers.get_list("strict-transport-security") == transport
        assert answer.headers["permissions-policy"].startswith("camera=(self), ")
        for name in ("permissions-policy", "x-request-id", "content-security-policy"):
            assert len(answer.headers.get_list(name)) == 1
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["server"] == "nginx"


def test_page_and_service_have_the_same_policy(nginx: Nginx) -> None:
    page, health = httpx.get(nginx.url), httpx.get(f"{nginx.url}/health")
    assert page.headers["content-security-policy"] == _POLICY
    assert health.headers["content-security-policy"] == _POLICY


def test_the_page_and_its_routes_are_asked_for_anew(nginx: Nginx, page: Path) -> None:
    whole = (page / "index.html").read_text()
    for path in ("/", "/people", "/live/6b2f3f0e", "/index.html"):
        answer = httpx.get(nginx.url + path)
        assert (answer.status_code, answer.text) == (200, whole)
        assert answer.headers.get_list("cache-control") == ["no-cache"]
        assert answer.headers["content-type"] == "text/html"
    again = httpx.get(nginx.url, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_assets_are_kept_for_a_year(nginx: Nginx, page: Path) -> None:
    answer = httpx.get(nginx.url + asset(page, ".js"))
    assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
    assert re.fullmatch(r"(application|text)/javascript", answer.headers["content-type"])
    assert "no-cache" in httpx.get(f"{nginx.url}/favicon.svg").headers["cache-control"]


@pytest.mark.parametrize("path", ["/assets/none.js", "/assets/none", "/assets/", "/none.txt"])
def test_what_is_missing_is_missing(nginx: Nginx, path: str) -> None:
    answer = httpx.get(nginx.url + path)
    assert (answer.status_code, "immutable" in str(answer.headers)) in {(404, False), (403, False)}


def test_answers_of_the_service_are_kept_by_nobody(client: httpx.Client) -> None:
    assert client.get("/people").headers.get_list("cache-control") == ["no-store"]


@pytest.mark.parametrize("path", ["SCRIPT", "STYLE", "/api/v1/openapi.json"])
def test_text_is_compressed(nginx: Nginx, page: Path, path: str) -> None:
    path = {"SCRIPT": asset(page, ".js"), "STYLE": asset(page, ".css")}.get(path, path)
    plain = httpx.get(nginx.url + path, headers={"Accept-Encoding": "identity"})
    answer = httpx.get(nginx.url + path, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert answer.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["vary"]
    assert answer.content == plain.content


def test_the_page_works_in_a_browser_over_tls(secure: Nginx, program: Service) -> None:
    """Websocket, pictures and all, within its policy: what it forbids is an error here."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    if not BUILT.is_dir():
        pytest.skip("the page is not built: make web")
    complaints: list[str] = []
    with sync_playwright() as playwright:
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page(ignore_https_errors=True)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        page.goto(f"https://localhost:{secure.https}/")
        page.get_by_test_id("user").fill("admin")
        page.get_by_test_id("password").fill(program.password)
        page.get_by_test_id("sign-in-button").click()
        named = page.locator("[data-testid=face]").filter(has_text=COLLINS)
        expect(named).to_be_visible(timeout=60_000)
        browser.close()
    assert complaints == []
