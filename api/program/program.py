"""The running program: one task group with the cameras, the followers of the log and the server."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from api.http.app import create_app
from api.http.auth.passwords import new_password
from api.http.bounded_websocket import PING_EVERY, PONG_WITHIN, BoundedWebSocket
from api.http.services import Services
from api.live.metrics import measure_lag
from api.program.assembly import Components, assemble
from api.program.resources import Resources, check_place, open_resources
from api.program.vitals import watch_vitals
from api.settings.sections import BackendSettings
from api.settings.settings import Settings
from ingest.fleet import CameraSpec
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.errors import Misconfigured, first_of
from pipeline.packs.pack import Progress

ADMINISTRATOR = "admin"
_FAREWELL = 2
"""Seconds that open connections have to end when the program stops."""
_LARGEST_MESSAGE = 1 << 16
"""Bytes of a websocket message that is sent in."""


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """The service answers at ``url``.

    ``password`` is the administrator's if she was made just now, else None.
    """

    url: str
    services: Services
    password: str | None


OnReady = Callable[[Ready], Awaitable[None]]


class _Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """Ends the task group."""


class _Server(uvicorn.Server):
    """Leaves signals to the program, and says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answers = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none: there is more to stop than the server."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.answers.set()

    def stop(self) -> None:
        """Let open connections end; the second time, drop them."""
        self.force_exit = self.should_exit
        self.should_exit = True


async def serve(settings: Settings, progress: Progress, on_ready: OnReady) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        FaceapiError: it cannot start, or something that all cameras share broke.
    """
    check_place(settings)
    async with contextlib.AsyncExitStack() as stack:
        door = stack.enter_context(_listening(settings.backend))
        try:
            async with asyncio.TaskGroup() as starting:
                loading = starting.create_task(asyncio.to_thread(_pipeline, settings, progress))
                resources = await stack.enter_async_context(open_resources(settings))
            pipeline = loading.result()
            stack.callback(pipeline.close)
            async with asyncio.TaskGroup() as group:
                parts = await assemble(group, settings, resources, pipeline)
                stack.push_async_callback(parts.index.close)  # after all tasks have ended
                stack.callback(parts.engine.close)
                await _follow(group, resources, parts)
                await _answer(group, door, parts, on_ready)
        except BaseExceptionGroup as errors:
            error = first_of(errors)
            if not isinstance(error, _Stopped):
                raise error from None


async def _follow(group: asyncio.TaskGroup, resources: Resources, parts: Components) -> None:
    """Start everything but the server: it finds the names known and the cameras on their way."""
    if resources.postgres is not None:
        group.create_task(resources.postgres.supervise(), name="postgres")
    group.create_task(measure_lag(parts.metrics), name="lag")
    group.create_task(watch_vitals(parts.services), name="vitals")
    group.create_task(parts.playback.run(), name="playback")
    group.create_task(parts.notifier.listen(resources.database), name="notifier")
    group.create_task(parts.index.follow(parts.notifier), name="index")
    number = await parts.directory.load()
    group.create_task(parts.directory.follow(parts.notifier, number), name="directory")
    for camera in await parts.services.cameras.all():
        if camera.enabled:
            await parts.engine.put(
                CameraSpec(camera.id, camera.url, camera.options, camera.streams)
            )


async def _answer(
    group: asyncio.TaskGroup, door: socket.socket, parts: Components, on_ready: OnReady
) -> None:
    """Serve until somebody stops it, and say so by ``_Stopped``."""
    services = parts.services
    server = _Server(server_config(create_app(services)))

    async def announce() -> None:
        await server.answers.wait()
        await services.index.settled.wait()
        await parts.engine.settled.wait()
        await parts.playback.settled.wait()
        await on_ready(Ready(_url(door), services, await _first_password(services)))

    group.create_task(announce(), name="announce")
    with _stopping(server.stop):
        await server.serve(sockets=[door])
    raise _Stopped


def server_config(app: FastAPI) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws=BoundedWebSocket,
        ws_max_size=_LARGEST_MESSAGE,
        ws_ping_interval=PING_EVERY,
        ws_ping_timeout=PONG_WITHIN,
        ws_per_message_deflate=False,  # each reader's own: it would cost more than all the rest
        timeout_graceful_shutdown=_FAREWELL,
        server_header=False,
        proxy_headers=False,  # nothing here asks for scheme or client: so nobody's word is needed
    )


async def _first_password(services: Services) -> str | None:
    """Make an administrator if there is no user at all."""
    password = new_password()
    hashed = await services.passwords.hash(password)
    return password if await services.users.add_first(ADMINISTRATOR, hashed) else None


def _pipeline(settings: Settings, progress: Progress) -> Pipeline:
    """The line of rooms, with its networks opened; blocks."""
    return build(
        settings, open_configured_pack(settings.model, settings.faceapi.cache_dir, progress)
    )


@contextlib.contextmanager
def _listening(settings: BackendSettings) -> Iterator[socket.socket]:
    """The socket, before anything else is begun in vain."""
    place = (settings.host, settings.port)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        door = socket.create_server(place, family=family, backlog=256)
    except OSError as error:
        raise Misconfigured(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): "
            "is another program there? --port or BACKEND_PORT names another"
        ) from None
    with door:
        yield door


def _url(door: socket.socket) -> str:
    host, port = door.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - a comparison
    return f"http://{shown}:{port}"


@contextlib.contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM call ``stop``."""
    loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
