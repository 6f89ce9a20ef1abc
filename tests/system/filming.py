"""A virtual camera of several streams beside a test that waits, on a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip


@contextmanager
def filming(films: Mapping[str, Path]) -> Iterator[VirtualCamera]:
    """Serve films, by the names of their streams, as one scene."""
    loop, begun = asyncio.new_event_loop(), threading.Event()
    over = asyncio.Event()
    camera = VirtualCamera({name: read_clip(path) for name, path in films.items()}, together=True)

    async def film() -> None:
        async with camera:
            begun.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(film()), name="filming")
    thread.start()
    try:
        assert begun.wait(20)
        yield camera
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()
