"""The pictures of the cameras for whoever looks on; nobody looks: nothing is encoded."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
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
    """An analysed frame as a JPEG; its results bear the same ``seq``."""

    seq: int
    captured_at: float
    jpeg: bytes


class PreviewEncoder:
    """Encodes each picture once for all of its camera's viewers, on a thread of its own.

    Args:
        group: in which the encoding runs.
    """

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._lane = Lanes(1)
        self._viewers: defaultdict[CameraId, set[Mailbox[Picture]]] = defaultdict(set)
        self._busy: set[CameraId] = set()

    def show(self, frame: Frame) -> None:
        """Give a picture to the camera's viewers, unless its last one is still being encoded."""
        if self._viewers[frame.camera] and frame.camera not in self._busy:
            self._busy.add(frame.camera)
            self._group.create_task(self._encode(frame))

    async def pictures(self, camera: CameraId) -> AsyncGenerator[Picture, None]:
        """The camera's pictures from now on, without end."""
        mailbox = Mailbox[Picture](_WAITING)  # full: the oldest picture goes
        self._viewers[camera].add(mailbox)
        try:
            async for picture in mailbox:
                yield picture
                del picture
        finally:
            self._viewers[camera].discard(mailbox)

    def end(self, camera: CameraId) -> None:
        """The camera is gone: its viewers see the last picture, then the end."""
        for viewer in self._viewers.pop(camera, ()):
            viewer.close()

    def close(self) -> None:
        """Encode no more."""
        for camera in list(self._viewers):
            self.end(camera)
        self._lane.close()

    async def _encode(self, frame: Frame) -> None:
        try:
            data = await self._lane.run(jpeg, frame.image, _QUALITY)
        finally:
            self._busy.discard(frame.camera)
        picture = Picture(frame.seq, frame.captured_at, data)
        for viewer in self._viewers[frame.camera]:
            viewer.put(picture)
