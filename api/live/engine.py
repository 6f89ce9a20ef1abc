"""The seam between the API and the cameras: plain data, so that both may run on other machines."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from api.live.hub import Hub
from api.live.metrics import CameraMetrics
from api.live.video import Picture, PreviewEncoder
from api.live.wire import CameraMessage, LiveMessage, LoadMessage, frame_message
from api.settings.sections import RtspSettings
from ingest.fleet import CameraSpec, Fleet
from ingest.numbering import Numbering
from ingest.rtsp import RtspCamera, Timeouts
from ingest.source import StateChange
from ingest.supervisor import Backoff, supervised
from pipeline.build import Pipeline
from pipeline.messages import CameraId, Frame, PersonId, Result
from pipeline.stages import Gallery
from pipeline.watch import watch

if TYPE_CHECKING:
    from pipeline.recognize import Recognizer


class Engine(Protocol):
    """Where cameras are watched."""

    async def put(self, camera: CameraSpec) -> None:
        """Watch a camera, or change it; the same again changes nothing."""

    async def remove(self, camera: CameraId) -> None:
        """Watch it no more."""

    def state(self, camera: CameraId) -> CameraMessage | None:
        """The latest state of a camera, None if it is not watched."""


class Results(Protocol):
    """What comes from the cameras; at most once, bounded, the oldest dropped."""

    def subscribe(self, cameras: Collection[CameraId] | None) -> AsyncGenerator[LiveMessage, None]:
        """The present state of these cameras (None: all), then whatever happens on them."""

    def pictures(self, camera: CameraId) -> AsyncGenerator[Picture, None]:
        """The analysed pictures of a camera; ends when the camera is removed."""


class LocalEngine:
    """Cameras watched in this process, and what they show: an ``Engine`` and its ``Results``.

    Args:
        group: in which everything runs.
        pipeline: makes the line of rooms for each camera.
        gallery: that all cameras search.
        name: what a person is called, None if there is none any more.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        pipeline: Pipeline,
        gallery: Gallery,
        name: Callable[[PersonId], str | None],
        rtsp: RtspSettings,
        metrics: CameraMetrics,
    ) -> None:
        self._pipeline = pipeline
        self._gallery = gallery
        self._name = name
        self._timeouts = Timeouts(connect=rtsp.connect_timeout, silence=rtsp.read_timeout)
        self._backoff = Backoff(first=rtsp.least_backoff, most=rtsp.most_backoff)
        self._metrics = metrics
        self._hub = Hub(metrics.registry)
        self._previews = PreviewEncoder(group)
        self._fleet = Fleet(group, self._watch, self._changed)
        self._recognizers: dict[CameraId, Recognizer] = {}
        self._numbers: defaultdict[CameraId, Numbering] = defaultdict(Numbering)

    async def put(self, camera: CameraSpec) -> None:
        """Watch a camera, or change it; the same again changes nothing."""
        await self._fleet.put(camera)

    async def remove(self, camera: CameraId) -> None:
        """Watch it no more; returns when its connection is gone."""
        await self._fleet.remove(camera)
        self._previews.end(camera)
        self._hub.forget(camera)
        self._metrics.forget(camera)

    def state(self, camera: CameraId) -> CameraMessage | None:
        """The latest state of a camera, None if it is not watched."""
        return self._hub.state(camera)

    def subscribe(self, cameras: Collection[CameraId] | None) -> AsyncGenerator[LiveMessage, None]:
        """The present state of these cameras (None: all), then whatever happens on them."""
        return self._hub.subscribe(cameras)

    def pictures(self, camera: CameraId) -> AsyncGenerator[Picture, None]:
        """The analysed pictures of a camera; ends when the camera is removed."""
        return self._previews.pictures(camera)

    def retract(self, person: PersonId) -> None:
        """Forget on every camera what speaks for a person of whom something was deleted."""
        for recognizer in self._recognizers.values():
            recognizer.retract(person)

    def close(self) -> None:
        """Let go what is no task."""
        self._previews.close()

    async def _watch(self, spec: CameraSpec) -> None:
        source = RtspCamera(spec.url, spec.camera, self._timeouts, self._pipeline.lanes.turn)
        recognizer = self._pipeline.recognizer(self._gallery)
        self._recognizers[spec.camera] = recognizer
        numbers = self._numbers[spec.camera]
        frames = supervised(
            source,
            backoff=self._backoff,
            on_state=lambda change: self._changed(spec.camera, change),
        )
        try:
            async with aclosing(frames):
                window = self._pipeline.settings.inference.window
                await watch(numbers.onwards(frames), recognizer, self._publish, window)
        finally:
            del self._recognizers[spec.camera]

    def _publish(self, frame: Frame, result: Result) -> None:
        self._hub.publish(frame_message(result, self._name))
        self._previews.show(frame)
        self._metrics.seen(result)

    def _changed(self, camera: CameraId, change: StateChange) -> None:
        self._metrics.changed(camera, change.state)
        self._hub.publish(
            CameraMessage(
                camera=camera,
                state=change.state,
                reason=change.reason,
                since=time.time(),
                load=change.load and LoadMessage(asked=change.load.asked, got=change.load.got),
            )
        )
