"""Real servers for the tests in this folder."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.system.clips import make_gallery
from tests.system.gst import GstServer, is_missing, serve
from tests.system.service import Service, passable_folder


@pytest.fixture(scope="session")
def _gst() -> None:
    if missing := is_missing():
        pytest.skip(f"gst-rtsp-server is not installed: apt-get install {missing}")


@pytest.fixture
def gst_server(_gst: None, tmp_path: Path) -> Iterator[Callable[..., GstServer]]:
    """Starts a server of a film (see ``serve``), or the given one; ended after the test."""
    with ExitStack() as running:

        def start(film: Path | GstServer, login: str = "", **conditions: str) -> GstServer:
            server = (
                film if isinstance(film, GstServer) else serve(film, tmp_path, login, **conditions)
            )
            server.start()
            running.callback(server.kill)
            return server

        yield start


@pytest.fixture
def gst_camera(gst_server: Callable[..., GstServer]) -> Callable[[Path], str]:
    """Serves a clip; returns its rtsp URL."""
    return lambda clip: gst_server(clip).url.with_secrets


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model files for all services: made once."""
    return Path(os.environ.get("FACEAPI_CACHE_DIR") or tmp_path_factory.mktemp("cache"))


@pytest.fixture
def new_service(cache: Path) -> Iterator[Callable[..., Service]]:
    """Makes services that are not started yet, each with a data folder of its own."""
    with ExitStack() as running:

        def make(*command: str, **environ: str) -> Service:
            folder = running.enter_context(passable_folder())
            own = {"FACEAPI_CACHE_DIR": str(cache), **environ}
            service = Service(folder, command or ("serve",), own)
            running.callback(service.end)
            return service

        yield make


@pytest.fixture(scope="module")
def service(cache: Path) -> Iterator[Service]:
    """A running service for the tests of one file; each leaves it as it found it."""
    with passable_folder() as folder:
        loud = ("serve", "--log-level", "debug")
        running = Service(folder, loud, {"FACEAPI_CACHE_DIR": str(cache)}).start()
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    """The service's API, signed in as the administrator."""
    with service.client() as client:
        yield client


@pytest.fixture(scope="session")
def gallery(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gallery(test_data, tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="session", params=["builtin", "yunet-dlib"])
def pack(request: pytest.FixtureRequest, yunet_dlib: Path) -> str:
    return "builtin" if request.param == "builtin" else str(yunet_dlib)
