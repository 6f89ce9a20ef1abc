"""Shards of a running service: killed, stuck, brought down by a camera; nobody else notices."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.command.film import COLLINS, HOPPER, RATE, pictures, portrait
from ingest.virtual.clip import write_clip
from tests.system.gst import GstServer
from tests.system.service import Live, Service, names, person, wait_until
from tests.system.test_service_kills import freezing

pytestmark = pytest.mark.system

_CRASHING = str(Path(__file__).with_name("crashing"))
_KILLS = 20


@pytest.fixture
def film(gst_server: Callable[..., GstServer], tmp_path: Path) -> str:
    """The address of a camera that shows Collins and Hopper."""
    file = tmp_path / "film.mp4"
    write_clip(file, pictures(), RATE)
    return gst_server(file).url.with_secrets


def shards(client: httpx.Client) -> dict[str, dict[str, Any]]:
    items = client.get("/shards").json()["items"]
    return {one["id"]: one for one in items}


def add(client: httpx.Client, name: str, url: str) -> str:
    answer = client.post("/cameras", json={"name": name, "url": url})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def frame_of(live: Live, camera: str, after: int = -1) -> dict[str, Any]:
    return live.until(
        lambda message: message["camera"] == camera and message.get("seq", -1) > after,
        f"a frame of {camera}",
    )


def test_a_camera_tells_of_its_stream(new_service: Callable[..., Service], film: str) -> None:
    service = new_service().start()
    with service.client() as client:
        camera = add(client, "Gate", film)

        def stream() -> dict[str, Any]:
            found: dict[str, Any] | None = client.get(f"/cameras/{camera}").json()["stream"]
            return found or {}

        wait_until(lambda: (stream().get("bit_rate") or 0) > 1000, "its video is measured")
        wait_until(lambda: stream()["delay_p95"] is not None, "its results are, too")
        told = stream()
        metrics = client.get(service.url + "/metrics").text
    assert (told["codec"], told["connections"]) == ("H.264", 1)
    assert told["width"] > told["height"] > 0
    assert f'faceapi_camera_picture_rate{{camera="{camera}"}}' in metrics
    assert f'faceapi_camera_trouble{{camera="{camera}",cause="unreachable"}} 0.0' in metrics


def test_a_killed_shard_is_replaced_and_its_numbers_go_on(
    new_service: Callable[..., Service], film: str
) -> None:
    service = new_service(ENGINE_SHARDS="2").start()
    with service.client() as client:
        person(client, COLLINS, portrait(COLLINS))
        cameras = [add(client, name, film) for name in ("Gate", "Yard")]
        with service.live(client, cameras) as live:
            for camera in cameras:
                live.until(
                    lambda message, camera=camera: (  # type: ignore[misc] # bound now
                        message["camera"] == camera and COLLINS in names(message)
                    ),
                    "both see her",
                )
            before = shards(client)
            (victim,) = [one for one in before.values() if one["cameras"] == [cameras[0]]]
            latest = frame_of(live, cameras[0])
            tracks = {face["track"] for face in latest["faces"]}
            os.kill(victim["pid"], signal.SIGKILL)
            gone = live.until(lambda message: message["type"] == "camera", "it is said")
            assert (gone["camera"], gone["state"]) == (cameras[0], "waiting")
            assert "SIGKILL" in gone["reason"]
            after = frame_of(live, cameras[0], after=latest["seq"])
            assert not {face["track"] for face in after["faces"]} & tracks
            live.named(COLLINS)
            now = shards(client)
        other = next(name for name in before if name != victim["id"])
        assert now[victim["id"]]["restarts"] == 1
        assert now[victim["id"]]["pid"] != victim["pid"]
        assert (now[other]["pid"], now[other]["restarts"]) == (before[other]["pid"], 0)
        wait_until(lambda: service.health()[0] == 200, "well again")


def test_a_stuck_shard_is_killed_and_replaced_while_the_api_answers(
    new_service: Callable[..., Service], film: str
) -> None:
    service = new_service(ENGINE_SHARDS="1").start()
    with service.client() as client:
        camera = add(client, "Gate", film)
        with service.live(client, [camera]) as live:
            latest = frame_of(live, camera)["seq"]
            pid = shards(client)["1"]["pid"]
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda: shards(client)["1"]["restarts"] == 1, "it is replaced")
            assert frame_of(live, camera, after=latest)["seq"] > latest
        assert not Path(f"/proc/{pid}").exists()


def test_a_shard_that_starts_while_the_database_is_away_watches_and_names_later(
    new_service: Callable[..., Service], film: str
) -> None:
    service = new_service(ENGINE_SHARDS="1").start()
    with service.client() as client:
        person(client, COLLINS, portrait(COLLINS))
        camera = add(client, "Gate", film)
        with service.live(client, [camera]) as live:
            live.named(COLLINS)
            pid, latest = shards(client)["1"]["pid"], frame_of(live, camera)["seq"]
            with freezing(service):
                os.kill(pid, signal.SIGKILL)
                frames = [frame_of(live, camera, after=latest + 100) for _ in range(10)]
                assert not any(names(frame) for frame in frames)
            live.named(COLLINS)


def test_a_camera_that_crashes_its_decoder_is_parted_and_given_up(
    new_service: Callable[..., Service], film: str
) -> None:
    service = new_service(ENGINE_SHARDS="1", PYTHONPATH=_CRASHING).start()
    with service.client() as client:
        good, bad = add(client, "Gate", film), add(client, "Bad", f"{film}/crash")

        def state() -> dict[str, Any]:
            camera: dict[str, Any] = client.get(f"/cameras/{bad}").json()
            return camera

        wait_until(lambda: state()["state"] == "failed", "it is given up", 60)
        assert "brought down 3 shards" in state()["reason"]
        assert "SIGABRT" in state()["reason"]
        assert list(shards(client)) == ["1"]
        with service.live(client, [good]) as live:
            frame_of(live, good)
            assert client.patch(f"/cameras/{bad}", json={"url": film}).status_code == 200
            wait_until(lambda: state()["state"] == "live", "another address, another chance")
            frame_of(live, good)


class Gallery:
    """Enrolls and deletes people, one after the other, and remembers what was answered."""

    def __init__(self, service: Service) -> None:
        self.kept: list[str] = []
        self.gone: dict[str, float] = {}
        """Who was deleted, by when that was answered."""
        self._service = service
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def changing(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join(60)
            assert not self._thread.is_alive()

    def _run(self) -> None:
        with self._service.client() as client:
            number = 0
            while not self._over.is_set():
                somebody = person(client, f"Hopper {number}", portrait(HOPPER))
                time.sleep(0.2)  # cameras see her meanwhile
                if number % 4:
                    assert client.delete(f"/people/{somebody}").status_code == 204
                    self.gone[somebody] = time.time()
                else:
                    self.kept.append(somebody)
                number += 1


def named_after_deletion(
    messages: Sequence[tuple[float, dict[str, Any]]], gone: dict[str, float]
) -> list[str]:
    """Who was named in a result that came after the answer to the deletion."""
    return [
        face["person"]
        for came, message in messages
        for face in message.get("faces", ())
        if face["person"] in gone and came > gone[face["person"]]
    ]


@pytest.mark.long
def test_kill_9_of_shards_at_random_loses_nothing_and_names_nobody_who_was_deleted(
    new_service: Callable[..., Service], film: str
) -> None:
    service = new_service(ENGINE_SHARDS="2", ALLOW_FACE_DEDUPLICATION="true").start()
    chance = random.Random(7)  # noqa: S311 - no secret
    heard: list[tuple[float, dict[str, Any]]] = []
    over = threading.Event()

    def listen() -> None:
        with service.client() as listener, service.live(listener, None) as live:
            while not over.is_set():
                message = live.message()
                # The answer to a deletion and a result take different ways here: what was on its
                # way at that moment came in time.
                heard.append((time.time() - 0.1, message))

    listening = threading.Thread(target=listen)
    with service.client() as client:
        cameras = [add(client, f"Camera {number}", film) for number in range(8)]
        listening.start()
        work = Gallery(service)
        with work.changing():
            for _ in range(_KILLS):
                time.sleep(chance.uniform(0.2, 2.0))  # the moment is what is tested
                running = [one for one in shards(client).values() if one["pid"]]
                if running:
                    os.kill(chance.choice(running)["pid"], signal.SIGKILL)
        wait_until(lambda: service.health()[0] == 200, "well again", 60)
        seen = len(heard)
        wait_until(
            lambda: {m["camera"] for _, m in heard[seen:] if m["type"] == "frame"} == set(cameras),
            "every camera flows again",
            60,
        )
        over.set()
        listening.join(60)
        assert len(work.gone) > 5
        for somebody in work.kept:
            assert client.get(f"/people/{somebody}").json()["faces"] == 1
        assert {client.get(f"/people/{one}").status_code for one in work.gone} == {404}
        assert client.post("/gallery/verify").json()["well"] is True
    assert named_after_deletion(heard, work.gone) == []
    pids = family(service.process.pid)
    assert service.stop() == 0
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def family(process: int) -> list[int]:
    """A process and all below it."""
    below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(one for child in below for one in family(int(child)))]
