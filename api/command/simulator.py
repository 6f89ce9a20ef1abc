"""``faceapi simulate``: an RTSP camera of our own, to try things out where there is none."""

import asyncio
from pathlib import Path

from rich.console import Console

from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip
from pipeline.errors import Misconfigured

_STREAM = "demo"


async def run_simulator(film: Path, host: str, port: int) -> None:
    """Show ``film`` again and again at rtsp://host:port/demo, until it is stopped.

    Raises:
        BadInput: the film cannot be read.
        Misconfigured: the address cannot be listened on.
    """
    clip = await asyncio.to_thread(read_clip, film)
    try:
        async with VirtualCamera({_STREAM: clip}, host=host, port=port) as camera:
            Console(stderr=True).print(f"{film.name} is shown at {camera.url(_STREAM)}")
            await asyncio.Event().wait()
    except OSError as error:
        raise Misconfigured(f"cannot listen on {host}:{port}: {error.strerror}") from None
