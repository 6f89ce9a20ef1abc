"""``faceapi demo``: a camera of our own with two people in it, one of them enrolled."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from rich.console import Console

from api.film import COLLINS, HOPPER, RATE, pictures, portrait
from api.settings import Settings
from api.watching import Watch, run_watch
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import Clip, read_clip, write_clip


async def run_demo(settings: Settings, *, json: bool, seconds: float | None) -> None:
    """Film, start the camera on 127.0.0.1, enroll one of the two people, watch.

    Raises:
        Misconfigured: the portraits' packages are not installed.
    """
    with tempfile.TemporaryDirectory(prefix="faceapi-demo-") as name:
        folder = Path(name)
        people = _people(folder / "people")
        clip = await asyncio.to_thread(_film, folder / "film.mp4")
        async with VirtualCamera({"demo": clip}) as camera:
            url = camera.url("demo")
            Console(stderr=True, soft_wrap=True, highlight=False).print(
                f"{url} shows {COLLINS}, who is enrolled, and {HOPPER}, who is not; Ctrl-C ends"
            )
            asked = Watch(str(url), people, json=json, realtime=False, seconds=seconds)
            await run_watch(asked, settings)


def _people(folder: Path) -> Path:
    """A gallery with one photograph of one person."""
    source, home = portrait(COLLINS), folder / COLLINS
    home.mkdir(parents=True)
    shutil.copy(source, home / source.name)
    return folder


def _film(path: Path) -> Clip:
    write_clip(path, pictures(), RATE)
    return read_clip(path)
