"""A real nginx for the tests in this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.docker.proxy import Nginx, missing_packages
from tests.system.service import passable_folder


@pytest.fixture(scope="session")
def _nginx() -> None:
    if missing := missing_packages():
        pytest.skip(f"nginx and its tools are not installed: apt-get install {' '.join(missing)}")


@pytest.fixture
def new_nginx(_nginx: None) -> Iterator[Callable[..., Nginx]]:
    """Makes proxies that are not started yet, each with a folder and ports of its own."""
    with ExitStack() as folders:
        yield lambda **environ: Nginx(folders.enter_context(passable_folder()), environ)
