"""The video of cameras that somebody plays, from the sources' threads to whoever sends it."""

import asyncio
from typing import Protocol

from ingest.backlog import Backlog
from ingest.playable import Playable
from ingest.tee import Tee
from pipeline.messages import CameraId


class VideoOutput(Protocol):
    """Who is given the video."""

    async def coded(self, camera: CameraId, picture: Playable) -> None:
        """A coded picture that somebody plays; returns when there is room for the next one."""

    def lost(self, pictures: int) -> None:
        """So many coded pictures waited too long; on any thread."""


class Players:
    """Which cameras are played.

    Args:
        group: in which their pictures are handed on.
    """

    def __init__(self, group: asyncio.TaskGroup, output: VideoOutput) -> None:
        self._group = group
        self._output = output
        self._playing: dict[CameraId, tuple[Tee, asyncio.Task[None]]] = {}

    def play(self, camera: CameraId, tee: Tee) -> None:
        """Hand on this camera's video, from its last key picture on; again changes nothing."""
        if camera in self._playing:
            return
        backlog = Backlog[Playable](self._output.lost)
        tee.play(backlog.put)
        handing_on = self._hand_on(camera, backlog)
        self._playing[camera] = tee, self._group.create_task(handing_on, name=f"video of {camera}")

    def again(self, camera: CameraId) -> None:
        """If it is played, begin anew: what waits is not handed on any more."""
        if playing := self._playing.get(camera):
            self.halt(camera)
            self.play(camera, playing[0])

    def move(self, camera: CameraId, tee: Tee) -> None:
        """The camera's video comes from elsewhere now: from its next key picture on."""
        if camera in self._playing:
            self.halt(camera)
            tee.cut()
            self.play(camera, tee)

    def request_key(self, camera: CameraId) -> None:
        """Let the video have a key picture soon, where one can be had."""
        if playing := self._playing.get(camera):
            playing[0].request_key()

    def halt(self, camera: CameraId) -> None:
        """Hand it on no more."""
        if playing := self._playing.pop(camera, None):
            tee, handing_on = playing
            tee.halt()
            handing_on.cancel()

    async def _hand_on(self, camera: CameraId, backlog: Backlog[Playable]) -> None:
        async for picture in backlog:
            await self._output.coded(camera, picture)
