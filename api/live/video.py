"""The pictures of the cameras for whoever looks on; nobody looks: nothing is encoded."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from pipeline.inference import Lanes
from pipeline.jpeg import jpeg
from pipeline.mailbox import Mailbox
from pipeline.messages import CameraId, Frame

_QUALITY = 80
_WAITING = 2
"""Pictures that wait for a viewer; then the oldest is dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An analysed frame as a JPEG; its results bear the same ``seq`` and ``media_time``."""

    seq: int
    media_time: int
    captured_at: float
    jpeg: bytes


class PreviewEncoder:
    """Encodes the pictures of cameras that are shown, on a thread of its own.

    Args:
        group: in which the encoding runs.
        on_picture: is given each of them, in the event loop.
    """

    def __init__(
        self, group: asyncio.TaskGroup, on_picture: Callable[[CameraId, Picture], None]
    ) -> None:
        self._group = group
        self._on_picture = on_picture
        self._lane = Lanes(1)
        self._shown: set[CameraId] = set()
        self._after: dict[CameraId, int] = {}
        """Media time up to which a camera's pictures are told no more."""
        self._busy: set[CameraId] = set()

    def show(self, camera: CameraId) -> None:
        """Encode this camera's pictures from now on."""
        self._shown.add(camera)

    def hide(self, camera: CameraId) -> None:
        """Encode them no more."""
        self._shown.discard(camera)

    def forget(self, camera: CameraId) -> None:
        """This camera is gone."""
        self.hide(camera)
        self._after.pop(camera, None)

    def drop(self, camera: CameraId, media_time: int) -> None:
        """Tell no picture of this camera up to this media time, also none that is at hand."""
        self._after[camera] = media_time

    def encode(self, frame: Frame) -> None:
        """Encode a picture if it is shown, unless the camera's last one is still being encoded."""
        if frame.camera in self._shown and frame.camera not in self._busy:
            self._busy.add(frame.camera)
            self._group.create_task(self._encode(frame))

    def close(self) -> None:
        """Encode no more."""
        self._shown.clear()
        self._lane.close()

    async def _encode(self, frame: Frame) -> None:
        try:
            data = await self._lane.run(jpeg, frame.image, _QUALITY)
        finally:
            self._busy.discard(frame.camera)
        if frame.camera in self._shown and frame.media_time > self._after.get(frame.camera, -1):
            picture = Picture(frame.seq, frame.media_time, frame.captured_at, data)
            self._on_picture(frame.camera, picture)


class Viewers:
    """Passes pictures on to all who look at a camera; whoever is slow hurts only itself.

    Args:
        on_first: hears of a camera that somebody looks at now.
        on_last: hears of one that nobody looks at any more.
    """

    def __init__(
        self, on_first: Callable[[CameraId], None], on_last: Callable[[CameraId], None]
    ) -> None:
        self._on_first = on_first
        self._on_last = on_last
        self._viewers: defaultdict[CameraId, set[Mailbox[Picture]]] = defaultdict(set)

    def has(self, camera: CameraId) -> bool:
        """Whether somebody looks at this camera."""
        return bool(self._viewers.get(camera))

    async def pictures(self, camera: CameraId) -> AsyncGenerator[Picture, None]:
        """The camera's pictures from now on, until it is gone."""
        mailbox = Mailbox[Picture](_WAITING)  # full: the oldest picture goes
        self._viewers[camera].add(mailbox)
        if len(self._viewers[camera]) == 1:
            self._on_first(camera)
        try:
            async for picture in mailbox:
                yield picture
                del picture
        finally:
            self._leave(camera, mailbox)

    def show(self, camera: CameraId, picture: Picture) -> None:
        """Give a picture to everyone who looks at the camera."""
        for viewer in self._viewers.get(camera, ()):
            viewer.put(picture)

    def drop(self, camera: CameraId) -> None:
        """Nobody is to see what waits; who looks goes on with what comes next."""
        for viewer in self._viewers.get(camera, ()):
            viewer.clear()

    def end(self, camera: CameraId) -> None:
        """The camera is gone: its viewers see the last picture, then the end."""
        for viewer in self._viewers.pop(camera, ()):
            viewer.close()

    def _leave(self, camera: CameraId, mailbox: Mailbox[Picture]) -> None:
        viewers = self._viewers.get(camera)
        if viewers is None or mailbox not in viewers:
            return
        viewers.discard(mailbox)
        if not viewers:
            del self._viewers[camera]
            self._on_last(camera)
