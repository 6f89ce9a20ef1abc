"""What the tests of sources share."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.films import write_film


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """Writes a film, see ``write_film``."""

    def write(
        count: int, name: str = "film.mp4", codec: str = "libx264", scale: int = 1, **options: str
    ) -> Path:
        return write_film(tmp_path / name, count, codec, scale, **options)

    return write


@pytest.fixture
def decoding_threads() -> Callable[[], list[threading.Thread]]:
    """The sources' threads that are alive."""

    def alive() -> list[threading.Thread]:
        threads = threading.enumerate()
        return [thread for thread in threads if thread.name.startswith(("camera ", "replay "))]

    return alive


@pytest.fixture(autouse=True)
def _no_thread_is_left(
    decoding_threads: Callable[[], list[threading.Thread]],
) -> Iterator[None]:
    yield
    assert decoding_threads() == []


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Waits for a condition that nobody tells of."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.01)

    return wait
