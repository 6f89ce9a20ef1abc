"""``faceapi demo``: the service with a camera of our own: two people, one of them enrolled."""

import asyncio
import contextlib
import os
import shutil
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from rich.console import Console

from api.command.film import COLLINS, HOPPER, portrait
from api.command.progress import progress_bar
from api.program.program import ADMINISTRATOR, Ready, serve
from api.settings.sections import RtspSettings
from api.settings.settings import Settings
from api.store.data_folder import locked_folder
from ingest.fleet import CameraSpec
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import Clip, read_clip
from pipeline.errors import Misconfigured

_CAMERA = "Demo"


async def run_demo(settings: Settings) -> None:
    """Film, start the camera on 127.0.0.1, serve, enroll one of the two people.

    It has a data folder of its own inside the ordinary one, and begins anew each time.

    Raises:
        FaceapiError: as of ``serve``; also if the portraits' packages are not installed.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    portrait(COLLINS), portrait(HOPPER)
    folder = _emptied(settings.faceapi.data_dir / "demo")
    own = settings.faceapi.model_copy(update={"data_dir": folder})
    async with contextlib.AsyncExitStack() as stack:
        filming = await stack.enter_async_context(_filming(folder / "film.mp4"))

        async def on_ready(ready: Ready) -> None:
            camera = await stack.enter_async_context(VirtualCamera({"demo": await filming()}))
            await _furnish(ready, camera)
            _introduce(ready, console)

        with progress_bar(console) as progress:
            await serve(
                settings.model_copy(update={"faceapi": own, "rtsp": _reaching_it(settings.rtsp)}),
                progress,
                on_ready,
            )


def _reaching_it(rtsp: RtspSettings) -> RtspSettings:
    """Cameras may be on this machine, too: ours is."""
    networks = f"{rtsp.allowed_networks}, 127.0.0.1/32"
    return rtsp.model_copy(update={"allowed_networks": networks})


async def _furnish(ready: Ready, camera: VirtualCamera) -> None:
    """One of the two people, and the camera that shows both."""
    services = ready.services
    person = await services.enrollment.add_person(COLLINS)
    photograph = await asyncio.to_thread(portrait(COLLINS).read_bytes)
    await services.enrollment.enroll(person.id, photograph)
    one = await services.cameras.add(_CAMERA, camera.url("demo"), enabled=True)
    await services.engine.put(CameraSpec(one.id, one.url, one.options))


def _introduce(ready: Ready, console: Console) -> None:
    console.print(
        f"[bold]{ready.url}[/]   user [bold]{ADMINISTRATOR}[/]   password [bold]{ready.password}[/]"
    )
    console.print(f"The camera shows {COLLINS}, who is enrolled, and {HOPPER}: enroll her.")
    console.print("The next demo begins anew. Ctrl-C ends this one.")
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(ready.url)


def _emptied(folder: Path) -> Path:
    """The folder with nothing in it, unless another demo holds it."""
    with locked_folder(folder) as held:
        for entry in held.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()
    return held


@contextlib.asynccontextmanager
async def _filming(path: Path) -> AsyncIterator[Callable[[], Awaitable[Clip]]]:
    """A process of its own makes the film, while the service starts: it takes seconds of Python.

    Yields what waits for the film; it raises Misconfigured if the film cannot be made.
    """
    command = [sys.executable, "-m", "api.command.film", str(path)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)

    async def film() -> Clip:
        _, errors = await process.communicate()
        if process.returncode:
            raise Misconfigured(f"the demo's film cannot be made: {errors.decode()[-500:]}")
        return await asyncio.to_thread(read_clip, path)

    try:
        yield film
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
