"""Cameras that come and go while the program runs, each a failure domain of its own."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ingest.address import CameraAddress
from ingest.options import DEFAULTS, CameraOptions
from ingest.roles import Streams
from ingest.source import State, StateChange
from pipeline.errors import FaceapiError, Fatal
from pipeline.messages import CameraId

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A camera that is to be watched; ``url`` is that of its analysed stream."""

    camera: CameraId
    url: CameraAddress
    options: CameraOptions = DEFAULTS
    streams: Streams = field(default_factory=Streams)


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often a camera whose watch broke unexpectedly is begun again."""

    most: int = 5
    pause: float = 2.0
    """Seconds before the first time, and twice as long each further time."""


class Fleet:
    """Owns a task for each camera.

    Args:
        group: in which the tasks run. Only what is ``Fatal`` to all cameras comes out there.
        watch: what is done with a camera; it returns when that is over, and may raise anything.
        on_state: hears what ``watch`` cannot tell: that it broke, or that a camera is gone.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        watch: Callable[[CameraSpec], Awaitable[None]],
        on_state: Callable[[CameraId, StateChange], None],
        restarts: Restarts = Restarts(),
    ) -> None:
        self._group = group
        self._watch = watch
        self._on_state = on_state
        self._restarts = restarts
        self._specs: dict[CameraId, CameraSpec] = {}
        self._tasks: dict[CameraId, asyncio.Task[None]] = {}
        self._changing: defaultdict[CameraId, asyncio.Lock] = defaultdict(asyncio.Lock)

    def watches(self, spec: CameraSpec) -> bool:
        """Whether a camera is watched exactly so."""
        task = self._tasks.get(spec.camera)
        return self._specs.get(spec.camera) == spec and task is not None and not task.done()

    async def put(self, spec: CameraSpec) -> None:
        """Watch a camera, or watch it by its new address; what is so already goes on undisturbed.

        A camera that failed is begun again.
        """
        async with self._changing[spec.camera]:
            if self.watches(spec):
                return
            await self._stop(spec.camera)
            self._specs[spec.camera] = spec
            self._tasks[spec.camera] = self._group.create_task(
                self._live(spec), name=f"camera {spec.camera}"
            )

    async def remove(self, camera: CameraId) -> None:
        """Watch a camera no more; returns when its connection is gone."""
        async with self._changing[camera]:
            await self._stop(camera)

    async def _stop(self, camera: CameraId) -> None:
        self._specs.pop(camera, None)
        task = self._tasks.pop(camera, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _live(self, spec: CameraSpec) -> None:
        """The border of a camera: whatever happens inside stays here, unless it is fatal to all."""
        pause = self._restarts.pause
        for _ in range(self._restarts.most):
            try:
                await self._watch(spec)
            except Fatal:
                raise
            except FaceapiError:
                return  # told by the one who watched; a person must change something first
            except Exception as error:  # noqa: BLE001 - the one border where all stays inside
                _log.exception("camera %s broke", spec.camera)
                reason = f"{type(error).__name__}; the log has it all"
                self._on_state(spec.camera, StateChange(State.FAILED, reason, pause))
                await asyncio.sleep(pause)
                pause *= 2
            else:
                return
        reason = f"it broke {self._restarts.most} times; change it, or restart the program"
        self._on_state(spec.camera, StateChange(State.FAILED, reason))
