"""A camera's options through the running service: what is stored, seen, and never seen."""

import asyncio
import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from api.store.address import Address
from ingest.fleet import CameraSpec
from ingest.options import CameraOptions
from pipeline.messages import Image
from tests.films import write_film
from tests.ingest.test_masked_camera import BELOW, BLACK, decoded, noise
from tests.system.gst import GstServer
from tests.system.service import wait_until
from tests.system.test_video import GATE, Viewer, sharded

pytestmark = pytest.mark.system
Serve = Callable[..., GstServer]
MASKS = [[list(corner) for corner in BELOW]]


@contextmanager
def added(client: httpx.Client, **body: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - JSON
    """A camera for as long as the test."""
    answer = client.post("/cameras", json={"name": "Gate", **body})
    assert answer.status_code == 201, answer.text
    camera: dict[str, Any] = answer.json()
    try:
        yield camera
    finally:
        client.delete(f"/cameras/{camera['id']}")


def snapshot(client: httpx.Client, camera: str) -> Image:
    answer = client.get(f"/cameras/{camera}/snapshot")
    assert answer.status_code == 200, answer.text
    return _image(answer.content)


def is_live(client: httpx.Client, camera: str) -> bool:
    return bool(client.get(f"/cameras/{camera}").json()["state"] == "live")


def test_options_are_kept_changed_one_by_one_and_put_back(client: httpx.Client) -> None:
    told = {"transport": "auto", "analysed": 2.5, "masks": MASKS}
    url = "rtsp://127.0.0.1:9/1"
    with added(client, url=url, enabled=False, options=told) as camera:
        path = f"/cameras/{camera['id']}"
        assert camera["options"] == {**CameraOptions().model_dump(mode="json"), **told}
        answer = client.patch(path, json={"options": {"read_timeout": 9, "transport": None}})
        options = answer.json()["options"]
        assert (options["read_timeout"], options["transport"]) == (9, "tcp")
        assert (options["analysed"], options["masks"]) == (2.5, MASKS)
        client.patch(path, json={"name": "Yard"})
        assert client.get(path).json()["options"] == options
        client.patch(path, json={"options": None})
        assert client.get(path).json()["options"] == CameraOptions().model_dump(mode="json")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"transport": "quic"}, "options.transport"),
        ({"masks": [[[0, 0], [1, 1]]]}, "options.masks.0"),
        ({"region": {"x": 0.9, "width": 0.2}}, "x + width is 1.1: allowed is 1 at the most"),
        ({"analysed": -1}, "options.analysed"),
    ],
)
def test_what_is_not_allowed_is_said_where_and_what_is(
    client: httpx.Client, options: dict[str, object], said: str
) -> None:
    url = "rtsp://127.0.0.1:9/1"
    answer = client.post("/cameras", json={"name": "Gate", "url": url, "options": options})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    encrypted = {"name": "Gate", "url": "rtsps://127.0.0.1:9/1", "options": {"transport": "udp"}}
    answer = client.post("/cameras", json=encrypted)
    assert (answer.status_code, "tcp for rtsps" in answer.json()["detail"]) == (422, True)
    assert client.get("/cameras").json()["items"] == []


def test_masks_and_rate_change_while_it_plays_and_without_a_new_connection(
    client: httpx.Client, gst_server: Serve, tmp_path: Path
) -> None:
    url = gst_server(write_film(tmp_path / "film.mp4", 50)).url.with_secrets
    with added(client, url=url) as camera:
        path = f"/cameras/{camera['id']}"
        wait_until(lambda: is_live(client, camera["id"]), "it plays")
        assert noise(snapshot(client, camera["id"])) > 150
        client.patch(path, json={"options": {"masks": MASKS}})
        assert noise(snapshot(client, camera["id"])) < BLACK
        client.patch(path, json={"options": {"analysed": 3}})
        wait_until(
            lambda: client.get(path).json()["stream"]["analysed_per_second"] < 4,
            "it is looked at three times a second",
        )
        shown = client.get(path).json()
        assert noise(snapshot(client, camera["id"])) < BLACK
        assert (shown["state"], shown["load"]) == ("live", None)
        stream = shown["stream"]
        assert (stream["connections"], stream["transport"], stream["decoder"]) == (1, "tcp", "cpu")
        client.patch(path, json={"options": None})
        assert noise(snapshot(client, camera["id"])) > 150


def test_another_address_of_a_masked_camera_is_masked_from_its_first_picture_on(
    client: httpx.Client, gst_server: Serve, tmp_path: Path
) -> None:
    first, second = (
        gst_server(write_film(tmp_path / name, 50)).url.with_secrets for name in ("1.mp4", "2.mp4")
    )
    with (
        added(client, url=first, options={"masks": MASKS}) as camera,
        httpx.Client(base_url=client.base_url, headers=client.headers, timeout=20) as another,
    ):
        path = f"/cameras/{camera['id']}"
        wait_until(lambda: is_live(client, camera["id"]), "it plays")
        with client.stream("GET", f"{path}/video") as video:
            parts = _pictures(video)
            assert noise(next(parts)) < BLACK
            changed = another.patch(path, json={"url": second, "options": {"analysed": 10}})
            assert changed.status_code == 200, changed.text
            seen = [noise(next(parts)) for _ in range(20)]
        assert max(seen) < BLACK
        assert client.get(path).json()["options"]["analysed"] == 10
        plain = client.post("/cameras/check", json={"url": first}).json()
        masked = client.post("/cameras/check", json={"url": first, "options": {"masks": MASKS}})
        pictures = [_image(base64.b64decode(one["picture"])) for one in (plain, masked.json())]
        assert noise(pictures[0]) > 150
        assert noise(pictures[1]) < BLACK


def test_a_transport_that_the_camera_refuses_is_not_taken_and_it_plays_on(
    client: httpx.Client, gst_server: Serve, tmp_path: Path
) -> None:
    server = gst_server(write_film(tmp_path / "film.mp4", 50), TRANSPORT="tcp")
    with added(client, url=server.url.with_secrets) as camera:
        path = f"/cameras/{camera['id']}"
        wait_until(lambda: is_live(client, camera["id"]), "it plays")
        refused = client.patch(path, json={"options": {"transport": "udp"}})
        assert refused.status_code == 422
        assert (refused.json()["cause"], "tcp, udp or auto" in refused.text) == ("transport", True)
        now = client.get(path).json()
        assert (now["options"]["transport"], now["state"]) == ("tcp", "live")
        wait_until(lambda: client.get(path).json()["stream"] is not None, "its stream is told")
        assert client.get(path).json()["stream"]["connections"] == 1
        taken = client.patch(path, json={"options": {"transport": "auto"}})
        assert taken.json()["options"]["transport"] == "auto"


def test_every_picture_that_is_watched_is_masked_from_a_change_on(
    client: httpx.Client, gst_server: Serve, tmp_path: Path
) -> None:
    url = gst_server(write_film(tmp_path / "film.mp4", 50)).url.with_secrets
    with (
        added(client, url=url) as camera,
        client.stream("GET", f"/cameras/{camera['id']}/video") as video,
        httpx.Client(base_url=client.base_url, headers=client.headers, timeout=20) as another,
    ):
        parts = _pictures(video)
        assert noise(next(parts)) > 150
        another.patch(f"/cameras/{camera['id']}", json={"options": {"masks": MASKS}})
        done, late = time.monotonic(), list[bool]()
        while time.monotonic() - done < 2:
            late.append(noise(next(parts)) > BLACK)
    # Of those from before only what lay in the sockets already; then none any more.
    assert len(late) > 10
    assert not any(late[late.index(False) :])
    assert sum(late) < 5


def _pictures(video: httpx.Response) -> Iterator[Image]:
    waiting = b""
    for chunk in video.iter_bytes():
        waiting += chunk
        while (end := waiting.find(b"\xff\xd9\r\n")) >= 0:
            data, waiting = waiting[: end + 2], waiting[end + 4 :]
            yield _image(data[data.index(b"\xff\xd8") :])


def _image(jpeg: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


async def test_video_is_masked_from_the_change_on_through_the_shard(
    gst_server: Serve, tmp_path: Path, database: Address, cache: Path
) -> None:
    server = gst_server(write_film(tmp_path / "film.mp4", 50))
    async with sharded(database, tmp_path, cache) as engine:
        viewer = Viewer(engine)
        await engine.put(CameraSpec(GATE, server.url))
        tasks = [asyncio.create_task(viewer.listen()), asyncio.create_task(viewer.play())]
        await viewer.both(20)
        before = len(viewer.played)
        await engine.put(CameraSpec(GATE, server.url, CameraOptions(masks=(BELOW,))))
        await tasks[1]  # who played must begin anew
        assert len(viewer.played) == before
        tasks.append(asyncio.create_task(viewer.play()))
        await viewer.both(30)
        for task in tasks:
            task.cancel()
        stream = engine.stream(GATE)
    plain, masked = viewer.played[:before], viewer.played[before:]
    assert {one.encoded for one in plain} == {False}
    assert {one.encoded for one in masked} == {True}
    assert max(noise(image) for image in decoded(masked)) < BLACK
    assert stream is not None
    assert stream.connections == 1
