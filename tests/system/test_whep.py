"""Live video of a running service: a camera's own pictures, with the media times of its results."""

import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc import RTCSessionDescription

from api.command.film import RATE, pictures
from ingest.virtual.clip import write_clip
from tests.api.playback.viewers import Seen, a_viewer, until
from tests.system.gst import GstServer
from tests.system.service import Live, Service, wait_until

pytestmark = pytest.mark.system

SDP = {"Content-Type": "application/sdp"}


@dataclass(frozen=True)
class Watched:
    """A service with a camera that shows something."""

    service: Service
    client: httpx.Client
    camera: str

    @property
    def whep(self) -> str:
        return f"/cameras/{self.camera}/whep"

    def post(self, offer: str, **headers: str) -> httpx.Response:
        return self.client.post(self.whep, content=offer, headers={**SDP, **headers})

    def session(self, location: str) -> httpx.Response:
        return self.client.get(f"{self.service.url}{location}")

    def process(self) -> int:
        """The id of the process of playback."""
        children = Path(f"/proc/{self.service.process.pid}/task").glob("*/children")
        pids = [pid for file in children for pid in file.read_text().split()]
        (found,) = [pid for pid in pids if b"api.playback" in said_by(pid)]
        return int(found)

    @asynccontextmanager
    async def view(self) -> AsyncIterator[tuple[str, Seen]]:
        """A session, and what arrives."""
        async with a_viewer() as (peer, offer):
            answer = self.post(offer)
            assert answer.status_code == 201, answer.text
            seen = Seen(peer)
            await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
            yield answer.headers["Location"], seen


def said_by(pid: str) -> bytes:
    """How this process was started."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.fixture
def film(gst_server: Callable[..., GstServer], tmp_path: Path) -> GstServer:
    """A camera that shows Collins and Hopper, and goes on when it is started again."""
    file = tmp_path / "film.mp4"
    write_clip(file, pictures(), RATE)
    return gst_server(file)


@pytest.fixture
def watched(new_service: Callable[..., Service], film: GstServer) -> Iterator[Watched]:
    service = new_service(ENGINE_SHARDS="1", WEBRTC_MOST_VIEWERS="2").start()
    with service.client() as client:
        camera = client.post("/cameras", json={"name": "Gate", "url": film.url.with_secrets})
        watched = Watched(service, client, camera.json()["id"])
        wait_until(lambda: state(watched) == "live", "it is live")
        yield watched


def state(watched: Watched) -> str:
    return str(watched.client.get(f"/cameras/{watched.camera}").json()["state"])


async def origin(watched: Watched, location: str) -> int:
    await until(lambda: watched.session(location).json()["rtp_origin"] is not None)
    return int(watched.session(location).json()["rtp_origin"])


async def test_a_camera_is_seen_as_it_is_with_the_media_times_of_its_results(
    watched: Watched,
) -> None:
    async with watched.view() as (location, seen):
        await seen.arrived(20)
        told = watched.session(location).json()
        assert told == {
            "session": location.rpartition("/")[2],
            "state": "connected",
            "rtp_origin": await origin(watched, location),
            "encoded": False,
            "caught_up": told["caught_up"],
            "role": "analyse",
            "exact": True,
        }
        assert {timestamp for timestamp, _ in told["caught_up"]} <= set(seen.timestamps)
        with watched.service.live(watched.client, [watched.camera]) as live:
            frames = [frame(live) for _ in range(10)]
        arrived = len(seen.timestamps)
        await seen.arrived(arrived + 10)
        shown = {(time - told["rtp_origin"]) % 2**32 for time in seen.timestamps}
        assert {one["media_time"] % 2**32 for one in frames} <= shown
        assert len(await seen.pictures(10)) == 10


def frame(live: Live) -> dict[str, Any]:
    return live.until(lambda message: message["type"] == "frame", "a frame")


async def test_the_origin_holds_while_the_camera_comes_back(
    watched: Watched, film: GstServer
) -> None:
    async with watched.view() as (location, seen):
        before = await origin(watched, location)
        await seen.arrived(5)
        film.kill()
        await until(lambda: state(watched) != "live")
        with watched.service.live(watched.client, [watched.camera]) as live:
            film.start()
            arrived = len(seen.timestamps)
            await until(lambda: state(watched) == "live")
            frames = [frame(live) for _ in range(5)]
        await seen.arrived(arrived + 30)
        assert await origin(watched, location) == before
        shown = {(time - before) % 2**32 for time in seen.timestamps[arrived:]}
        assert {one["media_time"] % 2**32 for one in frames} & shown


async def test_playback_that_is_killed_returns_and_recognition_notices_nothing(
    watched: Watched,
) -> None:
    with watched.service.live(watched.client, [watched.camera]) as live:
        async with watched.view() as (location, seen):
            await seen.arrived(5)
            frame(live)
            pid, shards = watched.process(), shards_of(watched)
            os.kill(pid, signal.SIGKILL)
            messages = [live.message() for _ in range(20)]
            assert {message["type"] for message in messages} == {"frame"}
            assert shards_of(watched) == shards
            assert watched.session(location).status_code == 404
        await until(lambda: watched.service.health()[0] == 200)
        assert watched.process() != pid
        async with watched.view() as (_, seen):
            await seen.arrived(5)
    assert metric(watched, "faceapi_playback_restarts_total") == 1
    assert "playback: ended by SIGKILL; it is begun again" in watched.service.said()


def shards_of(watched: Watched) -> Sequence[tuple[int, int]]:
    items = watched.client.get("/shards").json()["items"]
    return [(one["pid"], one["restarts"]) for one in items]


def metric(watched: Watched, name: str) -> float:
    text = httpx.get(f"{watched.service.url}/metrics").text
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


async def test_no_more_than_may_view_and_one_that_ends_makes_room(watched: Watched) -> None:
    async with watched.view() as (location, seen), watched.view():
        await seen.arrived(1)
        async with a_viewer() as (_, offer):
            refused = watched.post(offer)
            assert refused.status_code == 503
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert refused.headers["Retry-After"]
            assert "WEBRTC_MOST_VIEWERS" in refused.json()["detail"]
            assert metric(watched, "faceapi_playback_viewers") == 2
            assert watched.client.delete(f"{watched.service.url}{location}").status_code == 200
            assert watched.session(location).status_code == 404
            assert watched.post(offer).status_code == 201
    assert metric(watched, "faceapi_playback_sessions_total") == 3
    assert metric(watched, "faceapi_playback_refusals_total") == 1


async def test_an_answer_has_the_forms_of_whep(watched: Watched) -> None:
    options = watched.client.options(watched.whep)
    assert (options.status_code, options.headers["Accept-Post"]) == (204, "application/sdp")
    refused = watched.post("hello")
    assert (refused.status_code, refused.json()["title"]) == (422, "Unprocessable Entity")
    assert "there is no video" in refused.json()["detail"]
    async with a_viewer() as (_, offer):
        answer = watched.post(offer)
        assert answer.status_code == 201
        assert answer.headers["Content-Type"].partition(";")[0] == "application/sdp"
        assert answer.headers["Location"].startswith(f"/api/v1{watched.whep}/")
        assert re.fullmatch(r'"[^"]+"', answer.headers["ETag"])
        patched = watched.client.patch(f"{watched.service.url}{answer.headers['Location']}")
        assert (patched.status_code, patched.headers["Allow"]) == (405, "DELETE, GET")
        candidates = re.findall(r"^a=candidate:.* (\S+) \d+ typ host", answer.text, re.MULTILINE)
        assert set(candidates) == {"127.0.0.1"}  # as the service listens nowhere else


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("{}", "application/json", 415),
        (b"\xff", "application/sdp", 422),
        ("x" * 100_000, "application/sdp", 413),
    ],
)
def test_what_is_no_offer_is_refused(
    client: httpx.Client, nowhere: str, content: str | bytes, kind: str, status: int
) -> None:
    whep = f"/cameras/{nowhere}/whep"
    answer = client.post(whep, content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text


@pytest.fixture
def nowhere(client: httpx.Client) -> Iterator[str]:
    """A camera that is away."""
    made = client.post("/cameras", json={"name": "Away", "url": "rtsp://127.0.0.1:9/"}).json()
    yield made["id"]
    client.delete(f"/cameras/{made['id']}")


def test_a_camera_that_shows_nothing_cannot_be_viewed(client: httpx.Client, nowhere: str) -> None:
    whep = f"/cameras/{nowhere}/whep"
    answer = client.post(whep, content="v=0", headers=SDP)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "camera Away shows nothing now" in answer.json()["detail"]
    client.patch(f"/cameras/{nowhere}", json={"enabled": False})
    answer = client.post(whep, content="v=0", headers=SDP)
    assert answer.status_code == 409
    assert "it is disabled" in answer.json()["detail"]


def test_nobody_views_without_a_token(service: Service, nowhere: str) -> None:
    whep = f"{service.url}/api/v1/cameras/{nowhere}/whep"
    assert httpx.post(whep, content="v=0", headers=SDP).status_code == 401
    assert httpx.get(f"{whep}/session").status_code == 401
    assert httpx.delete(f"{whep}/session").status_code == 401
