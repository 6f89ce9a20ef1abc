"""The video of cameras that somebody plays, from the sources' threads to whoever sends it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ingest.backlog import Backlog
from ingest.playable import Playable
from pipeline.messages import CameraId


class VideoOutput(Protocol):
    """Who is given the video."""

    async def coded(self, camera: CameraId, picture: Playable) -> None:
        """A coded picture that somebody plays; returns when there is room for the next one."""

    def lost(self, pictures: int) -> None:
        """So many coded pictures waited too long; on any thread."""


class Video(Protocol):
    """What can be played, by one listener at a time; ``Tee`` and ``Viewed`` are."""

    def play(self, listener: Callable[[Playable], None]) -> None:
        """Give the last group of pictures, then each new one, to ``listener``, on any thread."""

    def halt(self) -> None:
        """Nobody plays any more."""

    def request_key(self) -> None:
        """A viewer lost pictures: a key picture soon, where one can be had."""


class Players:
    """Which cameras are played.

    Args:
        group: in which their pictures are handed on.
    """

    def __init__(self, group: asyncio.TaskGroup, output: VideoOutput) -> None:
        self._group = group
        self._output = output
        self._playing: dict[CameraId, tuple[Video, asyncio.Task[None]]] = {}

    def play(self, camera: CameraId, video: Video) -> None:
        """Hand on this camera's video, from its last key picture on; again changes nothing."""
        if camera in self._playing:
            return
        backlog = Backlog[Playable](self._output.lost)
        video.play(backlog.put)
        handing_on = self._hand_on(camera, backlog)
        self._playing[camera] = (
            video,
            self._group.create_task(handing_on, name=f"video of {camera}"),
        )

    def again(self, camera: CameraId) -> None:
        """If it is played, begin anew: what waits is not handed on any more."""
        if playing := self._playing.get(camera):
            self.halt(camera)
            self.play(camera, playing[0])

    def request_key(self, camera: CameraId) -> None:
        """Let the video have a key picture soon, where one can be had."""
        if playing := self._playing.get(camera):
            playing[0].request_key()

    def halt(self, camera: CameraId) -> None:
        """Hand it on no more."""
        if playing := self._playing.pop(camera, None):
            video, handing_on = playing
            video.halt()
            handing_on.cancel()

    async def _hand_on(self, camera: CameraId, backlog: Backlog[Playable]) -> None:
        async for picture in backlog:
            await self._output.coded(camera, picture)
