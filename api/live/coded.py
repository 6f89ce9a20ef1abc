"""A camera's video for viewers, as it travels between processes."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable

import msgspec

from ingest.backlog import Backlog
from ingest.playable import LastGroup
from ingest.roles import StreamRole
from pipeline.messages import CameraId


class Coded(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One picture in H.264, without B-frames: an access unit in Annex B.

    Parameter sets stand in front of each ``key`` picture, with which decoding can begin.
    ``media_time`` is that of the results of the same moment. ``encoded`` says that it was encoded
    here; otherwise it is the camera's own, untouched. ``role`` and ``exact`` are as of
    ``ingest.playable.Playable``.
    """

    camera: str
    media_time: int
    key: bool
    encoded: bool
    data: bytes
    role: StreamRole = StreamRole.ANALYSE
    exact: bool = True


class _Played:
    """A camera that somebody plays: since the last key picture, and to whom it goes."""

    def __init__(self) -> None:
        self.group = LastGroup[Coded]()
        self.players: set[Backlog[Coded]] = set()
        self.latest = -1
        """Media time; what is not after it was still on its way from those who played before."""


class CodedViewers:
    """Passes video on to all who play a camera; whoever is slow hurts only itself.

    Args:
        on_first: hears of a camera that somebody plays now.
        on_last: hears of one that nobody plays any more.
        on_drop: hears how many pictures a slow one missed.
    """

    def __init__(
        self,
        on_first: Callable[[CameraId], None],
        on_last: Callable[[CameraId], None],
        on_drop: Callable[[int], None],
    ) -> None:
        self._on_first = on_first
        self._on_last = on_last
        self._on_drop = on_drop
        self._played: defaultdict[CameraId, _Played] = defaultdict(_Played)

    def has(self, camera: CameraId) -> bool:
        """Whether somebody plays this camera."""
        return camera in self._played

    async def coded(self, camera: CameraId) -> AsyncGenerator[Coded, None]:
        """The camera's video from its last key picture on, until it is gone."""
        backlog = Backlog[Coded](self._on_drop)
        first = camera not in self._played
        played = self._played[camera]
        for picture in played.group.pictures:
            backlog.put(picture)
        played.players.add(backlog)
        if first:
            self._on_first(camera)
        try:
            async for picture in backlog:
                yield picture
        finally:
            self._leave(camera, played, backlog)

    def give(self, picture: Coded) -> None:
        """Give a picture to everyone who plays its camera."""
        played = self._played.get(CameraId(picture.camera))
        if played is not None and picture.media_time > played.latest:
            played.latest = picture.media_time
            played.group.add(picture)
            for backlog in played.players:
                backlog.put(picture)

    def cut(self, camera: CameraId) -> None:
        """The camera is not connected: what was last seen of it is not now."""
        if played := self._played.get(camera):
            played.group.clear()

    def drop(self, camera: CameraId) -> None:
        """Nobody is to see what waits: its players come to an end at once."""
        if played := self._played.pop(camera, None):
            for backlog in played.players:
                backlog.clear()
                backlog.close()
            self._on_last(camera)

    def end(self, camera: CameraId) -> None:
        """The camera is gone: its players see what waits for them, then the end."""
        if played := self._played.pop(camera, None):
            for backlog in played.players:
                backlog.close()

    def _leave(self, camera: CameraId, played: _Played, backlog: Backlog[Coded]) -> None:
        played.players.discard(backlog)
        if not played.players and self._played.get(camera) is played:
            del self._played[camera]
            self._on_last(camera)
