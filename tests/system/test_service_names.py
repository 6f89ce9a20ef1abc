"""Real people through a real RTSP server, the running service and its websocket."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from tests.system.clips import CHECKS, Message
from tests.system.gst import GstServer
from tests.system.service import Service, passable_folder, person

pytestmark = pytest.mark.system

_FRAMES = 80
"""Twice as many as each clip has: the server begins it anew."""


@pytest.fixture(scope="module")
def staffed(pack: str, cache: Path, gallery: Path) -> Iterator[Service]:
    """A service in which everyone of the gallery is enrolled."""
    with passable_folder() as folder:
        environ = {"FACEAPI_CACHE_DIR": str(cache), "MODEL_PACK": pack}
        service = Service(folder, environ=environ).start()
        try:
            with service.client() as client:
                for home in sorted(gallery.iterdir()):
                    person(client, home.name, *sorted(home.iterdir())[:3])
            yield service
        finally:
            service.stop()


@pytest.mark.parametrize("clip", CHECKS)
def test_the_names_reach_the_websocket(
    staffed: Service, test_data: Path, gst_server: Callable[..., GstServer], clip: str
) -> None:
    server = gst_server(test_data / "clips" / f"{clip}.mp4")
    with staffed.client() as client:
        camera = watched_camera(client, clip, server.url.with_secrets)
        try:
            with staffed.live(client, [camera]) as live:
                frames = [
                    live.until(lambda message: message["type"] == "frame", "a frame")
                    for _ in range(_FRAMES)
                ]
        finally:
            client.delete(f"/cameras/{camera}")
    assert_only_forward(frames)
    CHECKS[clip](frames)


def watched_camera(client: httpx.Client, name: str, url: str) -> str:
    made = client.post("/cameras", json={"name": name, "url": url})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def assert_only_forward(frames: Sequence[Message]) -> None:
    numbers = [frame["seq"] for frame in frames]
    times = [frame["captured_at"] for frame in frames]
    assert len(numbers) == _FRAMES
    assert numbers == sorted(set(numbers))
    assert times == sorted(times)
