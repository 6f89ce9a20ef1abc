"""The hub: what was seen on the cameras, to everyone who listens."""

from collections.abc import AsyncGenerator, Collection

from prometheus_client import CollectorRegistry, Counter, Gauge

from api.live.wire import CameraMessage, LiveMessage
from pipeline.mailbox import Mailbox
from pipeline.messages import CameraId

_WAITING = 64
"""Messages that wait for a listener; then the oldest is dropped: what is live is not late."""


class Hub:
    """Passes messages on; whoever is slow hurts only itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._listeners: dict[Mailbox[LiveMessage], Collection[CameraId] | None] = {}
        self._states: dict[CameraId, CameraMessage] = {}
        Gauge(
            "faceapi_listeners", "Who listens to live results now", registry=registry
        ).set_function(lambda: len(self._listeners))
        self._dropped = Counter(
            "faceapi_listener_drops", "Messages that slow listeners missed", registry=registry
        )

    def publish(self, message: LiveMessage) -> None:
        """Give a message to everyone who wants to hear of its camera; never waits."""
        camera = CameraId(message.camera)
        if isinstance(message, CameraMessage):
            self._states[camera] = message
        for mailbox, wanted in self._listeners.items():
            if wanted is None or camera in wanted:
                mailbox.put(message)

    def forget(self, camera: CameraId) -> None:
        """A camera was deleted: nobody is told of it from now on."""
        self._states.pop(camera, None)

    def state(self, camera: CameraId) -> CameraMessage | None:
        """The latest state of a camera."""
        return self._states.get(camera)

    async def subscribe(
        self, cameras: Collection[CameraId] | None
    ) -> AsyncGenerator[LiveMessage, None]:
        """The present state of these cameras (None: all), then whatever happens on them."""
        mailbox = Mailbox[LiveMessage](_WAITING, on_drop=lambda _: self._dropped.inc())
        for camera, state in self._states.items():
            if cameras is None or camera in cameras:
                mailbox.put(state)
        self._listeners[mailbox] = cameras
        try:
            async for message in mailbox:
                yield message
        finally:
            del self._listeners[mailbox]
