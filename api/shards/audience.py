"""Whoever looks at cameras; a shard is asked for what it shows only while somebody does."""

from collections.abc import AsyncGenerator, Callable, Iterator

from api.live.coded import Coded, CodedViewers
from api.live.video import Picture, Viewers
from api.shards.messages import Halt, Hide, Play, RequestKey, Show, Shown
from pipeline.messages import CameraId

Look = Show | Hide | Play | Halt | RequestKey
"""What a shard is told about those who look."""


class Audience:
    """Viewers of pictures and of coded video, of all cameras.

    Args:
        tell: hands a message to the shard of its camera, if that has one now.
        on_drop: hears how many coded pictures a slow viewer missed.
    """

    def __init__(self, tell: Callable[[Look], None], on_drop: Callable[[int], None]) -> None:
        self._tell = tell
        self._viewers = Viewers(
            on_first=lambda camera: tell(Show(camera)), on_last=lambda camera: tell(Hide(camera))
        )
        self._coded = CodedViewers(
            on_first=lambda camera: tell(Play(camera)),
            on_last=lambda camera: tell(Halt(camera)),
            on_drop=on_drop,
        )

    def pictures(self, camera: CameraId) -> AsyncGenerator[Picture, None]:
        """The analysed pictures of a camera; ends when the camera is removed."""
        return self._viewers.pictures(camera)

    def coded(self, camera: CameraId) -> AsyncGenerator[Coded, None]:
        """The video of a camera: its last key picture, all since, and so on, without a hole."""
        return self._coded.coded(camera)

    def request_key(self, camera: CameraId) -> None:
        """Somebody who plays a camera lost pictures."""
        if self._coded.has(camera):
            self._tell(RequestKey(camera))

    def wishes(self, camera: CameraId) -> Iterator[Look]:
        """What a shard that begins to watch this camera is told: what is looked at already."""
        if self._viewers.has(camera):
            yield Show(camera)
        if self._coded.has(camera):
            yield Play(camera)

    def shown(self, message: Shown) -> None:
        """A shard shows an analysed picture."""
        picture = Picture(message.seq, message.media_time, message.captured_at, message.jpeg)
        self._viewers.show(CameraId(message.camera), picture)

    def played(self, picture: Coded) -> None:
        """A shard hands on a coded picture."""
        self._coded.give(picture)

    def cut(self, camera: CameraId) -> None:
        """A camera is not connected: what was last seen of it is not now."""
        self._coded.cut(camera)

    def drop(self, camera: CameraId) -> None:
        """Nobody is to see what was shown of a camera so far; who plays it must begin anew."""
        self._viewers.drop(camera)
        self._coded.drop(camera)

    def end(self, camera: CameraId) -> None:
        """A camera is gone, and so is everybody who looked at it."""
        self._viewers.end(camera)
        self._coded.end(camera)
