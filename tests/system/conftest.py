"""Real servers for the tests in this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.system.gst import GstServer, is_missing, serve


@pytest.fixture(scope="session")
def _gst() -> None:
    if missing := is_missing():
        pytest.skip(f"gst-rtsp-server is not installed: apt-get install {missing}")


@pytest.fixture
def gst_server(_gst: None, tmp_path: Path) -> Iterator[Callable[..., GstServer]]:
    """Starts a server of a film (see ``serve``), or the given one; ended after the test."""
    with ExitStack() as running:

        def start(film: Path | GstServer, login: str = "") -> GstServer:
            server = film if isinstance(film, GstServer) else serve(film, tmp_path, login)
            server.start()
            running.callback(server.kill)
            return server

        yield start


@pytest.fixture
def gst_camera(gst_server: Callable[..., GstServer]) -> Callable[[Path], str]:
    """Serves a clip; returns its rtsp URL."""
    return lambda clip: gst_server(clip).url.with_secrets
