"""Kill -9 of the program and of its database: nobody is lost, nobody is half there."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from api.command.film import COLLINS, HOPPER, portrait
from ingest.virtual.clip import write_clip
from pipeline.photographs import read_photograph
from tests.system.gst import GstServer
from tests.system.service import Service, person, wait_until

pytestmark = [pytest.mark.system, pytest.mark.long]

_KILLS = 10


def variants(name: str, count: int) -> list[bytes]:
    """Different photographs of one person: the portrait at different brightness."""
    picture = read_photograph(portrait(name))
    lit = (np.clip(picture * (1 - 0.02 * n), 0, 255).astype(np.uint8) for n in range(count))
    return [cv2.imencode(".jpg", one)[1].tobytes() for one in lit]


class Enrolling:
    """Enrolls one photograph after another, a person each, until the service is gone."""

    def __init__(self, service: Service, photographs: list[bytes]) -> None:
        self.acknowledged: list[tuple[str, str, str]] = []
        """Person, her name, her face."""
        self.deleted: list[str] = []
        self._service = service
        self._photographs = photographs
        self._thread = threading.Thread(target=self._run)

    def begin(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with self._service.client() as client:
                for number, photograph in enumerate(self._photographs):
                    self._enroll(client, f"{self._service.process.pid} {number}", photograph)
        except httpx.TransportError:
            return  # killed, as planned

    def _enroll(self, client: httpx.Client, name: str, photograph: bytes) -> None:
        person = client.post("/people", json={"name": name}).json()["id"]
        answer = client.post(f"/people/{person}/faces", files={"images": photograph})
        (verdict,) = answer.json()["verdicts"]
        assert verdict["outcome"] == "enrolled", verdict
        self.acknowledged.append((person, name, verdict["face"]["id"]))
        if len(self.acknowledged) % 3 == 0:
            self._delete(client)

    def _delete(self, client: httpx.Client) -> None:
        person, *_ = self.acknowledged[0]
        assert client.delete(f"/people/{person}").status_code == 204
        self.deleted.append(self.acknowledged.pop(0)[0])


def assert_whole(client: httpx.Client, enrolled: list[tuple[str, str, str]]) -> None:
    """Everyone is there with face and crop, and the index holds just what the database holds."""
    for somebody, name, face in enrolled:
        assert client.get(f"/people/{somebody}").json()["name"] == name
        faces = client.get(f"/people/{somebody}/faces").json()["items"]
        assert [one["id"] for one in faces] == [face]
        assert client.get(f"/people/{somebody}/faces/{face}/image").status_code == 200
    assert client.post("/gallery/verify").json() == {"well": True, "missing": [], "surplus": []}


def test_kill_9_at_random_moments_around_enrollments_loses_nobody(
    new_service: Callable[..., Service],
) -> None:
    service = new_service(ALLOW_FACE_DEDUPLICATION="true")
    seed = int.from_bytes(os.urandom(4), "big")
    chance, photographs = random.Random(seed), variants(COLLINS, 40)  # noqa: S311 - no secret
    enrolled: list[tuple[str, str, str]] = []
    gone: list[str] = []
    for _ in range(_KILLS):
        service.start()
        with service.client() as client:
            assert_whole(client, enrolled)
            assert [client.get(f"/people/{one}").status_code for one in gone] == [404] * len(gone)
        work = Enrolling(service, photographs)
        work.begin()
        wait_until(lambda work=work: bool(work.acknowledged), "the first one")  # type: ignore[misc] # bound now
        time.sleep(chance.uniform(0, 1.0))  # the moment is what is tested
        service.kill()
        work.join()
        enrolled += work.acknowledged
        gone += work.deleted
    service.start()
    with service.client() as client:
        assert len(enrolled) >= _KILLS, f"seed {seed}"
        assert_whole(client, enrolled)
        answer = client.post("/recognize", files={"image": photographs[0]}).json()
    assert answer["faces"][0]["person"] in {person for person, *_ in enrolled}


def test_the_program_survives_kill_9_of_its_database(new_service: Callable[..., Service]) -> None:
    service = new_service().start()
    photograph = portrait(HOPPER).read_bytes()
    with service.client() as client:
        person = client.post("/people", json={"name": HOPPER}).json()["id"]
        client.post(f"/people/{person}/faces", files={"images": photograph})
        for number in (signal.SIGKILL, signal.SIGKILL):
            os.kill(postmaster(service), number)
            wait_until(lambda: service.health()[0] == 200, "well again")
        assert client.get(f"/people/{person}").json()["faces"] == 1
        assert_recognized(client, photograph, HOPPER)


def assert_recognized(client: httpx.Client, photograph: bytes, name: str) -> None:
    def found() -> bool:
        answer = client.post("/recognize", files={"image": photograph})
        return [face["name"] for face in answer.json().get("faces", ())] == [name]

    wait_until(found, f"{name} is recognized")


def test_an_index_that_is_lost_or_damaged_is_made_anew(
    new_service: Callable[..., Service],
) -> None:
    service = new_service().start()
    photograph = portrait(HOPPER).read_bytes()
    with service.client() as client:
        person = client.post("/people", json={"name": HOPPER}).json()["id"]
        client.post(f"/people/{person}/faces", files={"images": photograph})
        assert_recognized(client, photograph, HOPPER)
    service.stop()
    damage(service.folder / "data" / "gallery.db")
    service.start()
    with service.client() as client:
        assert_recognized(client, photograph, HOPPER)
        assert client.post("/gallery/verify").json()["well"] is True
        assert client.post("/gallery/rebuild").json()["faces"] == 1
        assert_recognized(client, photograph, HOPPER)


def damage(index: Path) -> None:
    """Cut every file of the index to half its length."""
    files = [index] if index.is_file() else [one for one in index.rglob("*") if one.is_file()]
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def postmaster(service: Service) -> int:
    pid_file = service.folder / "data" / "postgres" / "data" / "postmaster.pid"
    return int(pid_file.read_text().splitlines()[0])


def test_while_the_database_is_frozen_cameras_go_on_and_all_recovers(
    new_service: Callable[..., Service], gst_server: Callable[..., GstServer], tmp_path: Path
) -> None:
    service = new_service().start()
    film = tmp_path / "hopper.mp4"
    picture = np.asarray(cv2.resize(read_photograph(portrait(HOPPER)), (512, 600)), np.uint8)
    write_clip(film, [picture] * 20, 10)
    with service.client() as client:
        person(client, HOPPER, portrait(HOPPER))
        url = gst_server(film).url.with_secrets
        with freezing(service):
            status, health = service.health()
            assert (status, health["parts"]["database"]["status"]) == (503, "unwell")
            assert health["parts"]["pipeline"]["status"] == "well"
        wait_until(lambda: service.health()[0] == 200, "well again")
        camera = client.post("/cameras", json={"name": "Gate", "url": url}).json()["id"]
        with service.live(client, [camera]) as live:
            live.named(HOPPER)
            with freezing(service):
                for _ in range(60):  # several tracks: the film begins anew every two seconds
                    live.until(is_frame, "a frame while it is frozen")
                live.named(HOPPER)
            live.named(HOPPER)
    assert "Traceback" not in service.said()


def is_frame(message: Mapping[str, Any]) -> bool:
    return bool(message["type"] == "frame")


@contextmanager
def freezing(service: Service) -> Iterator[None]:
    """Every process of the database stands still meanwhile."""
    processes = [postmaster(service), *children_of(postmaster(service))]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def test_it_begins_anew_when_its_code_changes(new_service: Callable[..., Service]) -> None:
    service = new_service("--reload").start()
    (child,) = children_of(service.process.pid)
    begin = len(service.said().encode())
    (Path(__file__).parents[2] / "configs" / "default.yaml").touch()
    wait_until(lambda: not Path(f"/proc/{child}").exists(), "the former one has ended")
    wait_until(lambda: "answers at" in service.said(begin), "the next one answers", 60)
    (child,) = children_of(service.process.pid)
    service.stop()
    wait_until(lambda: not Path(f"/proc/{child}").exists(), "nothing is left")


def children_of(process: int) -> list[int]:
    return [
        int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]
