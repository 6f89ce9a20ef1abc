"""The pack is changed while cameras show people: nobody loses a name, whatever happens meanwhile.

The two packs make vectors that mean nothing beside each other's: one mixed up, and names are gone.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from api.command.film import COLLINS, HOPPER, portrait
from ingest.virtual.clip import write_clip
from pipeline.packs.manifest import load_manifest
from pipeline.packs.pack import open_pack
from pipeline.photographs import read_photograph
from tests.packs import turn
from tests.system.gst import GstServer
from tests.system.service import Service, names, person, wait_until

pytestmark = pytest.mark.system

_RATE = 5
_PATH = "/gallery/reembedding"
_KEPT = 25
"""Photographs of one person at the most: of more a check for duplicates takes long."""


@pytest.fixture(scope="module")
def packs(
    yunet_dlib: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """Two manifests: YuNet with dlib's network, and the same with its vectors turned."""
    opened = open_pack(load_manifest(str(yunet_dlib)), cache, lambda *_: None)
    folder = tmp_path_factory.mktemp("turned")
    return str(yunet_dlib), str(turn(yunet_dlib, opened.networks["embedder"], folder))


@pytest.fixture
def film(gst_server: Callable[..., GstServer], tmp_path: Path) -> str:
    """A camera before which Eileen Collins stands still for minutes."""
    picture = np.asarray(cv2.resize(read_photograph(portrait(COLLINS)), (512, 512)), np.uint8)
    write_clip(tmp_path / "collins.mp4", [picture] * _RATE * 120, _RATE)
    return gst_server(tmp_path / "collins.mp4").url.with_secrets


def variants(name: Path, count: int) -> Iterator[bytes]:
    """Different photographs of one person: darker and darker."""
    picture = read_photograph(name)
    for number in range(count):
        lit = np.clip(picture * (1 - 0.01 * number), 0, 255).astype(np.uint8)
        yield cv2.imencode(".jpg", lit)[1].tobytes()


def enroll(client: httpx.Client, somebody: str, photograph: bytes) -> str:
    answer = client.post(f"/people/{somebody}/faces", files={"images": photograph})
    (verdict,) = answer.json()["verdicts"]
    assert verdict["outcome"] == "enrolled", verdict
    return str(verdict["face"]["id"])


def reembedding(client: httpx.Client) -> dict[str, Any]:
    answer = client.get(_PATH)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@contextmanager
def embedding_stopped(service: Service) -> Iterator[None]:
    """No photograph is embedded meanwhile: the process that does it is stopped."""
    found: list[int] = []

    def is_there() -> bool:
        found[:] = embedding_processes(service.process.pid)
        return bool(found)

    wait_until(is_there, "the process that embeds")
    os.kill(found[0], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(found[0], signal.SIGCONT)


def embedding_processes(program: int) -> list[int]:
    children = Path(f"/proc/{program}/task/{program}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"api.embedding" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


class Watching:
    """What a camera shows, from the first frame with a name on."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.over = threading.Event()

    def follow(self, service: Service, camera: str) -> None:
        with service.client() as client, service.live(client, [camera]) as live:
            self.frames.append(live.named(COLLINS))
            while not self.over.is_set():
                message = live.message()
                if message["type"] == "frame":
                    self.frames.append(message)


@contextmanager
def watched(service: Service, camera: str) -> Iterator[Watching]:
    watching = Watching()
    thread = threading.Thread(target=watching.follow, args=(service, camera))
    thread.start()
    try:
        wait_until(lambda: bool(watching.frames), "she has her name")
        yield watching
    finally:
        watching.over.set()
        thread.join(60)


def assert_named_throughout(frames: Sequence[dict[str, Any]], least: int) -> None:
    """Each frame has her name, and none is missing long: the camera was never let go."""
    assert len(frames) >= least
    assert [frame["seq"] for frame in frames if names(frame) != {COLLINS}] == []
    assert len({face["track"] for frame in frames for face in frame["faces"]}) == 1


def test_the_pack_is_changed_while_a_camera_shows_somebody(
    new_service: Callable[..., Service], packs: tuple[str, str], film: str
) -> None:
    old, new = packs
    service = new_service(MODEL_PACK=old, ENGINE_SHARDS="1").start()
    with service.client() as client:
        assert client.get(_PATH).status_code == 404
        collins = person(client, COLLINS, portrait(COLLINS))
        faces = [enroll(client, collins, one) for one in list(variants(portrait(COLLINS), 6))[1:]]
        hopper = person(client, HOPPER, portrait(HOPPER))
        made = client.post("/cameras", json={"name": "Gate", "url": film}).json()
        assert client.post(_PATH, json={"pack": "/etc/passwd"}).status_code == 404
        assert client.post(_PATH, json={}).status_code == 409  # it is this pack already
    service.stop()
    service.environ = {**service.environ, "MODEL_PACK": new}
    service.start()
    detail = service.health()[1]["parts"]["gallery"]["detail"]
    assert "people are named by the pack yunet-dlib" in detail
    assert "faceapi gallery reembed" in detail
    with service.client() as client:
        assert client.get("/gallery").json()["notice"] == detail
        given_up(client, hopper)
        begun = client.post(_PATH, json={})
        assert begun.status_code == 202, begun.text
        assert client.post(_PATH, json={}).status_code == 409
    with service.client() as client, ExitStack() as watching_it:
        with embedding_stopped(service):
            # What was deleted speaks for nobody any more: the camera looks anew, which is no gap.
            assert client.delete(f"/people/{collins}/faces/{faces[0]}").status_code == 204
            watching = watching_it.enter_context(watched(service, made["id"]))
            assert reembedding(client)["stage"] == "embedding"
        wait_until(lambda: reembedding(client)["stage"] == "done", "the pack is changed", 90)
        switched = len(watching.frames)
        wait_until(lambda: len(watching.frames) > switched + 3 * _RATE, "frames after it")
        assert_named_throughout(watching.frames, 4 * _RATE)
        done = reembedding(client)
        gallery = client.get("/gallery").json()
        assert (gallery["pack"], gallery["faces"]) == ("turned", 6)
        assert (done["embedded"], done["left"], done["refused"]) == (6, 0, [])
        kept = client.get(f"/people/{collins}/faces").json()["items"]
        assert [one["packs"] for one in kept] == [["turned"]] * 5
        assert faces[0] not in {one["id"] for one in kept}
        assert client.post("/gallery/verify").json()["well"]
        assert service.health()[1]["parts"]["gallery"]["detail"] == ""
        assert client.delete(f"/people/{hopper}").status_code == 204
        enroll(client, person(client, HOPPER), portrait(HOPPER).read_bytes())  # by the new one
        metrics = client.get(service.url + "/metrics").text
        assert 'network="embedder"' in metrics
        client.delete(f"/people/{collins}")
        wait_until(lambda: names(watching.frames[-1]) == set(), "she is gone at once", 5)


def given_up(client: httpx.Client, somebody: str) -> None:
    """A change is begun and given up: nothing of it is left."""
    begun = client.post(_PATH, json={"leave_behind": True})
    assert begun.status_code == 202, begun.text
    assert begun.json()["stage"] == "embedding"
    assert client.patch(_PATH, json={"leave_behind": False}).json()["leave_behind"] is False
    assert client.delete(_PATH).status_code == 204
    assert client.get(_PATH).status_code == 404
    assert client.delete(_PATH).status_code == 404
    assert client.patch(_PATH, json={"leave_behind": False}).status_code == 404
    assert client.get("/gallery").json()["pack"] == "yunet-dlib"
    (face,) = client.get(f"/people/{somebody}/faces").json()["items"]
    assert face["packs"] == ["yunet-dlib"]


@pytest.mark.long
def test_two_hundred_faces_survive_kills_deletions_and_enrollments(
    new_service: Callable[..., Service], packs: tuple[str, str], film: str, test_data: Path
) -> None:
    old, new = packs
    service = new_service(MODEL_PACK=old, ENGINE_SHARDS="1").start()
    homes = [one for one in sorted((test_data / "faces").iterdir()) if one.name != "groups"]
    photographs = {home.name: min(home.iterdir()) for home in homes}
    photographs |= {COLLINS: portrait(COLLINS), HOPPER: portrait(HOPPER)}
    assert len(photographs) * _KEPT == 200
    faces: dict[str, list[str]] = {}
    with service.client() as client:
        people = {name: person(client, name) for name in photographs}
        for name, file in photographs.items():
            faces[name] = [enroll(client, people[name], one) for one in variants(file, _KEPT)]
        camera = client.post("/cameras", json={"name": "Gate", "url": film}).json()["id"]
    service.stop()
    service.environ = {**service.environ, "MODEL_PACK": new}
    service.start()
    with service.client() as client:
        assert client.post(_PATH, json={}).status_code == 202
        wait_until(lambda: reembedding(client)["embedded"] > 20, "some are done", 90)
    service.stop(signal.SIGKILL)
    service.start()
    with service.client() as client, ExitStack() as watching_it:
        with embedding_stopped(service):
            resumed = reembedding(client)
            assert 20 <= resumed["embedded"] < 200  # what was done before the kill stays done
            client.delete(f"/people/{people[homes[0].name]}")
            for face in faces[homes[1].name][:10]:
                client.delete(f"/people/{people[homes[1].name]}/faces/{face}")
            late = list(variants(portrait(HOPPER), _KEPT + 3))[_KEPT:]
            for photograph in late:
                enroll(client, people[HOPPER], photograph)
            watching = watching_it.enter_context(watched(service, camera))
            assert reembedding(client)["stage"] == "embedding"
        wait_until(lambda: reembedding(client)["stage"] == "done", "the pack is changed", 150)
        switched = len(watching.frames)
        wait_until(lambda: len(watching.frames) > switched + 3 * _RATE, "frames after it")
        assert_named_throughout(watching.frames, 4 * _RATE)
        done = reembedding(client)
        assert done["faces"] == 200 - _KEPT - 10 + len(late)
        assert (done["embedded"], done["refused"]) == (done["faces"], [])
        assert client.get("/gallery").json()["faces"] == done["faces"]
        assert client.post("/gallery/verify").json()["well"]
