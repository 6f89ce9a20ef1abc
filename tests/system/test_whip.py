"""Cameras that publish by themselves to a running service, and who is seen on them."""

import os
import re
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.api.playback.viewers import until
from tests.ingest.webrtc.client import Publisher
from tests.system.clips import Message
from tests.system.publishers import (
    CHROMIUM,
    chromium,
    gstreamer,
    gstreamer_is_missing,
    write_again_and_again,
    write_y4m,
)
from tests.system.service import Service, passable_folder, person, wait_until

pytestmark = pytest.mark.system

SDP = {"Content-Type": "application/sdp"}
_FRAMES = 40


@dataclass(frozen=True)
class Yard:
    """A service with a camera that is published to."""

    service: Service
    client: httpx.Client
    camera: str

    @property
    def whip(self) -> str:
        return f"/cameras/{self.camera}/whip"

    @property
    def state(self) -> tuple[str, str]:
        told = self.client.get(f"/cameras/{self.camera}").json()
        return told["state"], told["reason"]

    @property
    def key(self) -> str:
        made = self.client.post(f"/cameras/{self.camera}/publishing-key")
        assert made.status_code == 201, made.text
        return str(made.json()["key"])

    def post(self, offer: str, **headers: str) -> httpx.Response:
        return self.client.post(self.whip, content=offer, headers={**SDP, **headers})

    def waits(self) -> None:
        wait_until(lambda: self.state[0] == "waiting", "nobody publishes")

    @asynccontextmanager
    async def published(self) -> AsyncIterator[tuple[Publisher, str]]:
        """A publisher of this process, and where its session is."""
        publisher = Publisher()
        try:
            answer = self.post(await publisher.offer())
            assert answer.status_code == 201, answer.text
            await publisher.take(answer.text)
            yield publisher, answer.headers["Location"]
        finally:
            await publisher.close()

    def delete(self, location: str, **headers: str) -> httpx.Response:
        return self.client.delete(f"{self.service.url}{location}", headers=headers)


@pytest.fixture(scope="module")
def staffed(cache: Path, gallery: Path) -> Iterator[Service]:
    """A service in which everyone of the gallery is enrolled."""
    with passable_folder() as folder:
        environ = {"FACEAPI_CACHE_DIR": str(cache), "ENGINE_SHARDS": "1"}
        service = Service(folder, ("serve", "--log-level", "debug"), environ).start()
        try:
            with service.client() as client:
                for home in sorted(gallery.iterdir()):
                    person(client, home.name, *sorted(home.iterdir())[:3])
            yield service
        finally:
            service.stop()


@pytest.fixture
def yard(staffed: Service) -> Iterator[Yard]:
    with staffed.client() as client:
        made = client.post("/cameras", json={"name": "Yard", "url": "whip:"})
        assert made.status_code == 201, made.text
        assert made.json()["url"] == "whip:"
        yard = Yard(staffed, client, made.json()["id"])
        yard.waits()
        try:
            yield yard
        finally:
            client.delete(f"/cameras/{yard.camera}")


@pytest.fixture(scope="module")
def film(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """B, who talks and turns his head, as a camera of Chromium's."""
    file = tmp_path_factory.mktemp("film") / "male.y4m"
    write_y4m(test_data / "clips" / "head-pose-face-detection-male.mp4", file)
    return file


async def an_offer() -> str:
    """Of somebody who never connects."""
    publisher = Publisher()
    try:
        return await publisher.offer()
    finally:
        await publisher.close()


def seen(yard: Yard) -> Sequence[Message]:
    """What is told of so many frames, from the first in which B is named."""
    with yard.service.live(yard.client, [yard.camera]) as live:
        live.named("B")
        return [
            live.until(lambda message: message["type"] == "frame", "a frame")
            for _ in range(_FRAMES)
        ]


def assert_named(frames: Sequence[Message]) -> None:
    """B is named in at least 80 % of the frames, and nobody else in any; time only goes on."""
    names = [face["name"] for frame in frames for face in frame["faces"]]
    assert names.count("B") >= 0.8 * len(frames)
    assert set(names) <= {"B", None}
    times = [frame["media_time"] for frame in frames]
    assert times == sorted(set(times))


def test_who_is_before_a_browsers_camera_is_named(yard: Yard, film: Path) -> None:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with chromium(film, yard.service) as browser:
        location = browser.publish(f"/api/v1{yard.whip}", yard.key, sound=True)
        assert_named(seen(yard))
        wait_until(lambda: browser.sends()["width"] == 960, "it sends the whole picture")
        assert yard.delete(location).status_code == 200
        wait_until(lambda: browser.state() != "connected", "it hears that it is over")
    assert yard.state == ("waiting", "the publisher ended it")


def test_a_browser_that_is_closed_is_gone(yard: Yard, film: Path) -> None:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with chromium(film, yard.service) as browser:
        browser.publish(f"/api/v1{yard.whip}", yard.key)
        wait_until(lambda: yard.state[0] == "live", "it is live")
        browser.leave()
        wait_until(lambda: yard.state[0] == "waiting", "it is gone")
    assert yard.state[1] in {"the publisher has gone", "no picture from the publisher for 4 s"}


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_who_is_before_gstreamers_camera_is_named(
    yard: Yard, test_data: Path, tmp_path: Path, codec: str
) -> None:
    if missing := gstreamer_is_missing():
        pytest.skip(f"GStreamer's WebRTC is not installed: apt-get install {missing}")
    film = tmp_path / "film.mp4"
    clip = test_data / "clips" / "head-pose-face-detection-male.mp4"
    write_again_and_again(clip, film, times=12)
    url = f"{yard.service.url}/api/v1{yard.whip}"
    with gstreamer(film, codec, url, yard.key):
        assert_named(seen(yard))


async def test_a_session_has_an_address_and_is_ended_there(yard: Yard) -> None:
    async with yard.published() as (_, location):
        assert location.startswith(f"/api/v1{yard.whip}/")
        await until(lambda: yard.state[0] == "live")
        other = yard.post(await an_offer())
        assert (other.status_code, "somebody publishes" in other.json()["detail"]) == (409, True)
        assert yard.delete(location.replace(yard.camera, str(uuid4()))).status_code == 404
        patched = yard.client.patch(f"{yard.service.url}{location}", headers=SDP, content="")
        assert (patched.status_code, patched.headers["Allow"]) == (405, "DELETE")
        assert yard.delete(location).status_code == 200
        assert yard.delete(location).status_code == 404
    yard.waits()


async def test_what_is_no_offer_is_refused_as_the_standard_says(yard: Yard) -> None:
    offer = await an_offer()
    assert yard.post("hello").status_code == 422
    assert yard.client.post(yard.whip, content=offer).status_code == 415
    assert yard.post("x" * 70_000).status_code == 413
    assert yard.client.get(yard.whip).status_code == 405
    allowed = yard.client.options(yard.whip, headers={"Authorization": ""})
    assert (allowed.status_code, allowed.headers["Accept-Post"]) == (204, "application/sdp")
    nowhere = yard.client.post(f"/cameras/{uuid4()}/whip", content=offer, headers=SDP)
    assert nowhere.status_code == 404
    assert yard.state[0] == "waiting"


async def test_a_camera_that_is_fetched_or_disabled_is_not_published_to(yard: Yard) -> None:
    offer = await an_offer()
    yard.client.patch(f"/cameras/{yard.camera}", json={"enabled": False})
    answer = yard.post(offer)
    assert (answer.status_code, "is disabled" in answer.json()["detail"]) == (409, True)
    yard.client.patch(
        f"/cameras/{yard.camera}", json={"url": "rtsp://user:word@127.0.0.1:9/nothing"}
    )
    answer = yard.post(offer)
    assert (answer.status_code, "word" in answer.text) == (409, False)
    assert yard.client.post(f"/cameras/{yard.camera}/publishing-key").status_code == 409


async def test_a_publishing_key_opens_this_camera_and_nothing_else(yard: Yard) -> None:
    old, key = yard.key, yard.key
    made = yard.client.post("/cameras", json={"name": "Other", "url": "whip:"})
    other = f"/cameras/{made.json()['id']}"
    offer = await an_offer()

    def status(path: str, bearer: str) -> int:
        headers = {**SDP, "Authorization": f"Bearer {bearer}"}
        return yard.client.post(path, content=offer, headers=headers).status_code

    with_key = {"Authorization": f"Bearer {key}"}
    assert status(yard.whip, old) == 401
    assert status(f"{other}/whip", key) == 401
    assert status(yard.whip, "whip_nothing") == 401
    assert yard.client.get("/cameras", headers=with_key).status_code == 401
    assert status(yard.whip, "nothing") == 401
    answer = yard.post(offer, **with_key)
    assert answer.status_code == 201
    assert yard.delete(answer.headers["Location"], Authorization="Bearer no").status_code == 401
    assert yard.delete(answer.headers["Location"], **with_key).status_code == 200
    yard.client.delete(other)


async def test_a_publishing_key_that_is_removed_opens_nothing_any_more(yard: Yard) -> None:
    path = f"/cameras/{yard.camera}/publishing-key"

    def is_set() -> bool:
        answer = yard.client.get(path)
        assert set(answer.json()) == {"is_set"}, "the key is told once"
        return bool(answer.json()["is_set"])

    assert not is_set()
    key, offer = yard.key, await an_offer()
    assert is_set()
    for _ in range(2):
        assert yard.client.delete(path).status_code == 204
    assert not is_set()
    assert yard.post(offer, Authorization=f"Bearer {key}").status_code == 401
    for method in ("GET", "DELETE"):
        with_key = {"Authorization": f"Bearer {yard.key}"}
        assert yard.client.request(method, path, headers=with_key).status_code == 401


async def test_after_a_shard_has_died_its_camera_is_published_to_again(yard: Yard) -> None:
    async with yard.published():
        await until(lambda: yard.state[0] == "live")
        (shard,) = yard.client.get("/shards").json()["items"]
        os.kill(shard["pid"], signal.SIGKILL)
        await until(lambda: yard.state[0] == "waiting")
    await until(lambda: yard.state == ("waiting", "nobody publishes"))
    async with yard.published():
        await until(lambda: yard.state[0] == "live")


async def test_twenty_come_and_go_and_their_shard_holds_no_more(yard: Yard) -> None:
    async def one() -> None:
        async with yard.published() as (_, location):
            await until(lambda: yard.state[0] == "live")
            assert yard.delete(location).status_code == 200

    await one()
    (shard,) = yard.client.get("/shards").json()["items"]
    files, threads = held(shard["pid"])
    lanes = os.cpu_count() or 1  # each begins when it is first needed, and stays
    for _ in range(20):
        await one()
    await until(lambda: held(shard["pid"])[0] <= files)
    await until(lambda: held(shard["pid"])[1] <= threads + lanes)


async def test_no_log_tells_a_key_or_what_a_session_is_opened_with(yard: Yard) -> None:
    key = yard.key
    async with yard.published() as (publisher, _):
        await until(lambda: yard.state[0] == "live")
        answer = yard.post(await an_offer(), Authorization=f"Bearer {key}")
        assert answer.status_code == 409
        offered = publisher._peer.localDescription.sdp
    (word,) = set(re.findall(r"^a=ice-pwd:(\S+)", offered, re.MULTILINE))
    said = yard.service.said()
    assert "DEBUG" in said
    assert key not in said
    assert word not in said


def held(pid: int) -> tuple[int, int]:
    """Files, sockets among them, and threads of a process."""
    home = Path(f"/proc/{pid}")
    return len(list((home / "fd").iterdir())), len(list((home / "task").iterdir()))
