"""The service as its users and its enemies meet it: good input, nonsense, parts that are away."""

import base64
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import cv2
import httpx
import jwt
import numpy as np
import pytest
from PIL import Image as Picture
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from api.command.film import COLLINS, HOPPER, portrait
from ingest.virtual.clip import write_clip
from pipeline.photographs import read_photograph
from tests.system.gst import GstServer
from tests.system.service import Service, person, wait_until

pytestmark = pytest.mark.system

PROBLEM = "application/problem+json"


def png(picture: np.ndarray) -> bytes:
    done, data = cv2.imencode(".png", picture)
    assert done
    return data.tobytes()


def verdict(client: httpx.Client, somebody: str, data: bytes) -> dict[str, object]:
    answer = client.post(f"/people/{somebody}/faces", files={"images": ("x.png", data)})
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["verdicts"]
    return dict(one)


@pytest.fixture
def collins(client: httpx.Client) -> Iterator[str]:
    """Eileen Collins, enrolled with her portrait."""
    somebody = person(client, COLLINS, portrait(COLLINS))
    yield somebody
    client.delete(f"/people/{somebody}")


@pytest.fixture
def nobody(client: httpx.Client) -> Iterator[str]:
    """A person without a face."""
    somebody = person(client, "Nobody")
    yield somebody
    client.delete(f"/people/{somebody}")


# Who may come in


def token_with(**changes: object) -> str:
    claims = {"sub": "1", "iss": "faceapi", "aud": "faceapi", "exp": time.time() + 60, **changes}
    return jwt.encode(claims, "a key of somebody else, long enough", "HS256")


def unsigned() -> str:
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": "1", "exp": 2**32})
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts) + "."


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", token_with(), token_with(exp=1), unsigned()], ids=range(5)
)
def test_a_worthless_token_opens_nothing(service: Service, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{service.url}/api/v1/people", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_every_route_but_sign_in_wants_a_token(service: Service, client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    asked = [
        (verb, path)
        for path, verbs in paths.items()
        for verb in verbs
        if path.startswith("/api/v1/") and path != "/api/v1/auth/token"
        if verb != "options"  # says what may be posted, which browsers ask before they sign in
    ]
    assert len(asked) > 25
    somebody = "6b2f3f0e-9c0e-4ec1-9d70-000000000000"
    open_ones = [
        (verb, path)
        for verb, path in asked
        if httpx.request(
            verb,
            service.url + re.sub(r"\{\w+\}", somebody, path),
        ).status_code
        not in {401, 404}
    ]
    assert open_ones == []


def test_a_wrong_password_does_not_open(service: Service) -> None:
    for name in ("admin", "nobody"):
        form = {"username": name, "password": "wrong"}
        answer = httpx.post(f"{service.url}/api/v1/auth/token", data=form)
        assert (answer.status_code, "admin" in answer.text) == (401, False)


def test_a_user_who_was_deleted_is_out_at_once(service: Service, client: httpx.Client) -> None:
    body = {"name": "guest", "password": "a long password"}
    guest = client.post("/users", json=body).json()["id"]
    form = {"username": "guest", "password": "a long password"}
    token = client.post("/auth/token", data=form).json()["access_token"]
    with service.client(token=token) as other:
        assert other.get("/users/me").json()["name"] == "guest"
        assert client.delete(f"/users/{guest}").status_code == 204
        assert other.get("/users/me").status_code == 401


def test_a_viewer_sees_and_changes_nothing(service: Service, client: httpx.Client) -> None:
    body = {"name": "viewer", "password": "a long password"}
    made = client.post("/users", json=body).json()
    assert made["role"] == "viewer"
    form = {"username": "viewer", "password": "a long password"}
    token = client.post("/auth/token", data=form).json()["access_token"]
    paths = httpx.get(f"{service.url}/api/v1/openapi.json").json()["paths"]
    operations = {
        (verb, path.removeprefix("/api/v1")): any(
            scopes for scheme in operation.get("security", ()) for scopes in scheme.values()
        )
        for path, verbs in paths.items()
        for verb, operation in verbs.items()
    }
    open_ones = {one for one, wants_more in operations.items() if not wants_more}
    assert {one for one in open_ones if one[0] not in {"get", "options"}} == {
        ("post", "/auth/token"),
        ("put", "/users/me/password"),
        ("post", "/live/tickets"),
        ("post", "/detect"),
        ("post", "/recognize"),
        ("post", "/verify"),
        ("post", "/cameras/{camera}/whep"),
        ("delete", "/cameras/{camera}/whep/{session}"),
    }
    somebody = "6b2f3f0e-9c0e-4ec1-9d70-000000000000"
    with service.client(token=token) as viewer:
        answers = {
            (verb, path): viewer.request(verb, re.sub(r"\{\w+\}", somebody, path))
            for verb, path in operations.keys() - open_ones
        }
        assert {answer.status_code for answer in answers.values()} == {403}
        refused = viewer.get("/shards")
        assert (refused.status_code, "administrator" in refused.json()["detail"]) == (403, True)
        assert viewer.get("/cameras").status_code == viewer.get("/people").status_code == 200
        raised = client.patch(f"/users/{made['id']}", json={"role": "administrator"})
        assert raised.json()["role"] == "administrator"
        assert viewer.get("/shards").status_code == 200
    assert client.delete(f"/users/{made['id']}").status_code == 204


def test_the_password_is_in_one_file_for_its_owner_alone(service: Service) -> None:
    assert service.password not in service.said()
    kept = [path for path in service.folder.rglob("*") if path.is_file()]
    assert len(kept) > 100
    holders = [path for path in kept if service.password.encode() in path.read_bytes()]
    assert [path.name for path in holders] == ["administrator-password"]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600


# Enrollment


@pytest.mark.gallery
def test_a_photograph_is_enrolled_shown_and_deleted(client: httpx.Client, collins: str) -> None:
    (face,) = client.get(f"/people/{collins}/faces").json()["items"]
    crop = client.get(f"/people/{collins}/faces/{face['id']}/image")
    assert crop.headers["content-type"] == "image/jpeg"
    with Picture.open(io.BytesIO(crop.content)) as picture:
        assert picture.size == (face["width"], face["height"])
    assert client.delete(f"/people/{collins}/faces/{face['id']}").status_code == 204
    assert client.get(f"/people/{collins}/faces").json()["items"] == []
    assert client.get("/gallery").json()["faces"] == 0


def test_nobody_is_recognized_by_a_face_that_is_set_aside_until_it_is_taken_back(
    client: httpx.Client, collins: str
) -> None:
    (face,) = client.get(f"/people/{collins}/faces").json()["items"]
    assert face["set_aside"] is False
    for aside, person_found in ((True, None), (False, collins)):
        path = f"/people/{collins}/faces/{face['id']}"
        changed = client.patch(path, json={"set_aside": aside})
        assert (changed.status_code, changed.json()["set_aside"]) == (200, aside)
        wait_until_recognized(client, person_found)
    assert client.patch(path, json={"set_aside": "perhaps"}).status_code == 422


def test_somebody_who_is_ignored_is_recognized_and_never_told(
    client: httpx.Client, collins: str
) -> None:
    files = {"image": ("x.png", portrait(COLLINS).read_bytes())}
    wait_until_recognized(client, collins)
    changed = client.patch(f"/people/{collins}", json={"ignored": True})
    assert (changed.status_code, changed.json()["ignored"]) == (200, True)
    (face,) = client.post("/recognize", files=files).json()["faces"]
    assert (face["ignored"], face["person"], face["name"]) == (True, None, None)
    assert collins not in {one["person"] for one in face["candidates"]}
    both = client.patch(f"/people/{collins}", json={"ignored": False, "name": "E. Collins"})
    assert (both.json()["ignored"], both.json()["name"]) == (False, "E. Collins")
    assert recognized(client) == collins
    assert client.patch(f"/people/{collins}", json={}).json() == both.json()
    assert client.patch(f"/people/{collins}", json={"ignored": "perhaps"}).status_code == 422


@pytest.mark.gallery
def test_whoever_is_nearer_to_a_counterexample_is_not_her(
    client: httpx.Client, collins: str
) -> None:
    """A photograph of Grace Hopper is enrolled as Collins by mistake, then said not to be her."""
    files = {"image": ("x.png", portrait(COLLINS).read_bytes())}
    hopper = portrait(HOPPER).read_bytes()
    path = f"/people/{collins}/counterexamples"
    assert client.post(path, files=files).status_code == 422
    added = client.post(path, files={"image": ("y.jpg", hopper)})
    assert added.status_code == 201
    assert client.get(f"/people/{collins}").json()["faces"] == 1
    assert client.get(path).json()["items"] == [added.json()]
    wait_until_recognized(client, collins)
    (face,) = client.post("/recognize", files={"image": ("y.jpg", hopper)}).json()["faces"]
    assert (face["person"], face["candidates"]) == (None, [])
    nobody = path.replace(collins, "6b2f3f0e-9c0e-4ec1-9d70-000000000000")
    assert client.post(nobody, files=files).status_code == 404
    assert client.post(path, files={"image": ("z.txt", b"no picture")}).status_code == 422
    assert client.delete(f"{path}/{added.json()['id']}").status_code == 204
    assert client.get(path).json()["items"] == []


def wait_until_recognized(client: httpx.Client, person: str | None) -> None:
    wait_until(lambda: recognized(client) == person, f"{person} is recognized")


def recognized(client: httpx.Client) -> str | None:
    """Whom the portrait of Eileen Collins is taken for."""
    files = {"image": ("x.png", portrait(COLLINS).read_bytes())}
    (face,) = client.post("/recognize", files=files).json()["faces"]
    found: str | None = face["person"]
    return found


def test_what_cannot_be_enrolled_is_refused_with_the_reason(
    client: httpx.Client, nobody: str
) -> None:
    one = read_photograph(portrait(COLLINS))
    two = np.hstack([one, cv2.resize(read_photograph(portrait(HOPPER)), one.shape[1::-1])])
    huge = io.BytesIO()
    Picture.new("L", (8000, 5001)).save(huge, "PNG")
    good = portrait(COLLINS).read_bytes()
    refused = {
        "no face": png(np.full((300, 300, 3), 90, np.uint8)),
        "2 faces": png(two),
        "8000 x 5001": huge.getvalue(),
        "cut off": good[: len(good) // 2],
        "no picture": b"<html>not an image</html>",
    }
    for reason, data in refused.items():
        one_verdict = verdict(client, nobody, data)
        assert one_verdict["outcome"] == "refused", reason
        assert reason in str(one_verdict["reason"])
    assert client.get(f"/people/{nobody}").json()["faces"] == 0


@pytest.mark.gallery
def test_one_bad_photograph_harms_no_other(client: httpx.Client, nobody: str) -> None:
    files = [
        ("images", ("bad.png", b"x")),
        ("images", ("good.png", portrait(COLLINS).read_bytes())),
    ]
    verdicts = client.post(f"/people/{nobody}/faces", files=files).json()["verdicts"]
    assert [(one["file"], one["outcome"]) for one in verdicts] == [
        ("bad.png", "refused"),
        ("good.png", "enrolled"),
    ]


@pytest.mark.gallery
def test_a_face_that_is_somebody_elses_already_is_a_duplicate(
    client: httpx.Client, collins: str, nobody: str
) -> None:
    searchable(client, COLLINS)
    flipped = png(np.ascontiguousarray(read_photograph(portrait(COLLINS))[:, ::-1]))
    other = verdict(client, nobody, flipped)
    assert other["outcome"] == "refused"
    duplicate = other["duplicate_of"]
    assert isinstance(duplicate, dict)
    assert (duplicate["person"], duplicate["name"]) == (collins, COLLINS)
    again = verdict(client, collins, portrait(COLLINS).read_bytes())
    assert (again["outcome"], again["duplicate_of"]) == ("refused", None)
    assert "same person" in str(again["reason"])


def test_an_endless_upload_is_broken_off(
    service: Service, client: httpx.Client, nobody: str
) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="images"; filename="x"\r\n\r\n'
        for _ in range(200):
            yield bytes(1 << 20)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    try:
        answer = client.post(f"/people/{nobody}/faces", content=endless(), headers=headers)
    except httpx.WriteError:
        pass  # it hung up before all was sent
    else:
        assert answer.status_code == 413, answer.text
        assert "64 MB" in answer.json()["detail"]
    assert service.health()[0] == 200


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "a\nb", "a\0b", None, 7, ["x"]])
def test_a_name_that_is_none_is_refused(client: httpx.Client, name: object) -> None:
    answer = client.post("/people", json={"name": name})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "body.name"


# Recognition of single pictures


def searchable(client: httpx.Client, name: str) -> None:
    """Wait until a template is in the index: soon after its commit."""
    data = portrait(name).read_bytes()

    def found() -> bool:
        answer = client.post("/recognize", files={"image": data})
        return [face["name"] for face in answer.json().get("faces", ())] == [name]

    wait_until(found, f"{name} in the index")


@pytest.mark.gallery
def test_a_picture_is_searched_and_a_deleted_person_never_found(client: httpx.Client) -> None:
    somebody = person(client, COLLINS, portrait(COLLINS))
    searchable(client, COLLINS)
    assert client.delete(f"/people/{somebody}").status_code == 204
    answer = client.post("/recognize", files={"image": portrait(COLLINS).read_bytes()})
    (face,) = answer.json()["faces"]
    assert (face["person"], face["candidates"]) == (None, [])


def test_faces_are_found_and_compared(client: httpx.Client) -> None:
    one, other = portrait(COLLINS).read_bytes(), portrait(HOPPER).read_bytes()
    found = client.post("/detect", files={"image": one}).json()
    assert len(found["faces"]) == 1
    assert len(found["faces"][0]["points"]) == 5
    same = client.post("/verify", files={"first": one, "second": one}).json()
    assert (same["same"], same["similarity"] > 0.999) == (True, True)
    different = client.post("/verify", files={"first": one, "second": other}).json()
    assert different["same"] is False
    none = client.post("/verify", files={"first": one, "second": b"x"})
    assert (none.status_code, "second photograph" in none.json()["detail"]) == (422, True)


# Cameras


@pytest.mark.parametrize(
    "url", ["http://192.0.2.7/", "file:///etc/passwd", "rtsp://", "rtsp://h:99999/", "x", ""]
)
def test_what_is_no_cameras_address_is_refused(client: httpx.Client, url: str) -> None:
    answer = client.post("/cameras", json={"name": "Gate", "url": url})
    assert answer.status_code == 422
    assert client.get("/cameras").json()["items"] == []


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "2852039166", "[::ffff:169.254.169.254]", "0.0.0.0:5432"]
)
def test_no_camera_may_be_where_only_the_deployment_is(client: httpx.Client, host: str) -> None:
    url = f"rtsp://ann:nite-word@{host}/1"
    answer = client.post("/cameras", json={"name": "Gate", "url": url})
    assert answer.status_code == 422
    assert "RTSP_ALLOWED_NETWORKS" in answer.json()["detail"]
    assert "nite-word" not in answer.text
    assert client.get("/cameras").json()["items"] == []


def test_a_cameras_password_is_in_no_answer_and_no_log(
    service: Service, client: httpx.Client
) -> None:
    url = "rtsp://ann:nite-word@127.0.0.1:9/1"
    camera = client.post("/cameras", json={"name": "Gate", "url": url}).json()
    wait_until(
        lambda: client.get(f"/cameras/{camera['id']}").json()["state"] == "waiting", "it is refused"
    )
    answers = [
        client.get("/cameras").text,
        client.post("/cameras", json={"name": "Gate", "url": url}).text,
        client.patch(f"/cameras/{camera['id']}", json={"url": url, "nonsense": 1}).text,
        client.patch(f"/cameras/{camera['id']}", json={"url": [url]}).text,
    ]
    client.delete(f"/cameras/{camera['id']}")
    assert "rtsp://ann:***@127.0.0.1:9/1" in answers[0]
    assert "nite-word" not in "".join([*answers, service.said()])


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eileen Collins' portrait for two seconds."""
    path = tmp_path_factory.mktemp("film") / "collins.mp4"
    picture = np.asarray(cv2.resize(read_photograph(portrait(COLLINS)), (512, 512)), np.uint8)
    write_clip(path, [picture] * 20, 10)
    return path


@pytest.mark.gallery
def test_cameras_come_and_go_while_it_runs(
    client: httpx.Client,
    service: Service,
    collins: str,
    gst_server: Callable[..., GstServer],
    film: Path,
) -> None:
    url = gst_server(film).url.with_secrets
    camera = client.post("/cameras", json={"name": "Gate", "url": url}).json()["id"]
    with service.live(client, [camera]) as live:
        assert live.named(COLLINS)["camera"] == camera
        snapshot = client.get(f"/cameras/{camera}/snapshot")
        assert snapshot.headers["content-type"] == "image/jpeg"
        client.delete(f"/people/{collins}")  # she is unknown from the answer on
        assert live.until(
            lambda message: message.get("seq", 0) > int(snapshot.headers["x-seq"]) + 20, "more"
        )
        assert {face["name"] for face in live.message().get("faces", ())} <= {None}
    client.patch(f"/cameras/{camera}", json={"enabled": False})
    assert client.get(f"/cameras/{camera}").json()["state"] == "disabled"
    client.patch(f"/cameras/{camera}", json={"enabled": True})
    with service.live(client, [camera]) as live:
        live.until(lambda message: message["type"] == "frame", "a frame")
    assert client.delete(f"/cameras/{camera}").status_code == 204
    assert client.get(f"/cameras/{camera}").status_code == 404
    assert COLLINS not in service.said()  # at log level debug


def test_the_video_says_which_frame_each_picture_is(
    client: httpx.Client, service: Service, gst_server: Callable[..., GstServer], film: Path
) -> None:
    url = gst_server(film).url.with_secrets
    camera = client.post("/cameras", json={"name": "Gate", "url": url}).json()["id"]
    with (
        service.live(client, [camera]) as live,
        client.stream("GET", f"/cameras/{camera}/video") as video,
    ):
        parts = b""
        for chunk in video.iter_bytes():
            parts += chunk
            if parts.count(b"--frame\r\n") > 5:
                break
        numbers = [int(line.split()[1]) for line in parts.split(b"\r\n") if line[:6] == b"X-Seq:"]
        assert len(numbers) >= 5
        live.until(lambda message: message.get("seq") == numbers[-2], "its result")
    client.delete(f"/cameras/{camera}")


# The websocket


def refused(address: str, **headers: str) -> int:
    with connect(address, additional_headers=headers) as opened, pytest.raises(ConnectionClosed):
        opened.recv(timeout=10)
    assert opened.close_code is not None
    return opened.close_code


def test_a_ticket_opens_one_websocket_from_our_own_page(
    client: httpx.Client, service: Service
) -> None:
    def address() -> str:
        ticket = client.post("/live/tickets").json()["ticket"]
        return f"{service.url}/api/v1/live?ticket={ticket}".replace("http", "ws", 1)

    used = address()
    with connect(used, additional_headers={"Origin": service.url}) as opened:
        opened.send("nonsense")
        assert json.loads(opened.recv(timeout=10))["type"] == "problem"
        opened.send(b"\xff")
        assert json.loads(opened.recv(timeout=10))["type"] == "problem"
    assert refused(used) == 4401
    assert refused(used.partition("?")[0]) == 4401
    assert refused(address(), Origin="http://evil.example") == 4403


# The machine around it


def test_metrics_tell_what_happens_and_no_name(client: httpx.Client, service: Service) -> None:
    text = httpx.get(f"{service.url}/metrics").text
    for name in ("faceapi_frames_total", "faceapi_delay_seconds", "faceapi_loop_lag_seconds_sum"):
        assert name in text
    assert COLLINS not in text
    assert client.get("/gallery").json()["pack"] == "builtin"


def once(*args: str, **environ: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "api", *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ, "COLUMNS": "300"},
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_second_process_on_the_same_data_folder_is_refused(service: Service) -> None:
    status, said = once("--port", "0", FACEAPI_DATA_DIR=str(service.folder / "data"))
    assert status == 1
    assert f"in use by process {service.process.pid}" in said
    assert service.health()[0] == 200


def test_a_port_in_use_is_said(new_service: Callable[..., Service]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        status, said = once("--port", str(port), FACEAPI_DATA_DIR=str(new_service().folder))
    assert status == 1
    assert f"127.0.0.1:{port}" in said
    assert "BACKEND_PORT" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_asked_to_and_leaves_no_process(
    new_service: Callable[..., Service], number: signal.Signals
) -> None:
    service = new_service().start()
    with service.client() as client, service.live(client, None):
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
        child = int(children.read_text().split()[0])
        assert service.stop(number) == 0
    wait_until(lambda: not Path(f"/proc/{child}").exists(), "PostgreSQL is gone")
    assert "Traceback" not in service.said()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_a_data_folder_out_of_postgres_reach_is_refused_before_anything_is_built(
    tmp_path: Path,
) -> None:
    private, cache = tmp_path / "private", tmp_path / "cache"
    private.mkdir(mode=0o700)
    places = {"FACEAPI_DATA_DIR": str(private / "data"), "FACEAPI_CACHE_DIR": str(cache)}
    refused = subprocess.run(
        [sys.executable, "-m", "api", "--port", "0"],
        env={**os.environ, **places, "SQL_HOST": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert refused.returncode == 1
    assert "chmod o+x" in refused.stderr
    assert not cache.exists()
    assert list(private.iterdir()) == []
