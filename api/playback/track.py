"""What one viewer is sent: the camera's pictures, as they are."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiortc import MediaStreamTrack, RTCRtpSender

from api.playback.feed import Feed, Picture, Queue
from api.playback.rtp_origin import rtp_origin, takes_key_request

if TYPE_CHECKING:
    import av

_PACE = 5e6
"""Bytes a second at which a kept group is sent: faster than any camera, slow enough for the buffers
of a browser's socket."""
_DECODED = 0.008
"""Seconds between its pictures: Chromium's decoder gives up where more than a few wait for it."""
_AGAIN_BYTES = 1 << 20
"""Bytes of a group that is sent again to a viewer who lost pictures; else it waits for the next."""
_AGAIN_PAUSE = 2.0
"""Seconds between two of those: a network that is full is not helped by more."""


class CameraTrack(MediaStreamTrack):
    """The last group of pictures that is there, at once, then what comes.

    The pictures before the newest one are sent a tick apart, just before it: a browser shows them
    as fast as it can, and not at the pace at which they were taken, which would leave it behind for
    ever. From the newest on, an RTP timestamp is origin + media time.

    Args:
        on_learnt: is called when ``rtp_origin`` or ``encoded`` has changed.
    """

    kind = "video"

    def __init__(self, feed: Feed, on_learnt: Callable[[], None]) -> None:
        super().__init__()
        self.queue = Queue()
        self.sent_bytes = 0
        self.rtp_origin: int | None = None
        """RTP timestamp minus media time, modulo 2^32."""
        self.encoded: bool | None = None
        self._feed = feed
        self._on_learnt = on_learnt
        self._sender: RTCRtpSender | None = None
        self._sent: int | None = None
        self._began = 0.0

    def sent_by(self, sender: RTCRtpSender) -> None:
        """Who asks for the pictures."""
        self._sender = sender

    async def recv(self) -> "av.Packet[Any]":
        """The next picture; asked for when the one before was sent."""
        if self._sent is None:
            self._feed.join(self.queue)
            self._begin(0)
        else:
            self._learn(self._sent)
            self._begin_again(self._sent)
        hurries = len(self.queue) > 1
        picture = await self.queue.take()
        if hurries:  # also a turn for everyone else: sending itself never waits
            await asyncio.sleep(max(_DECODED, len(picture.data) / _PACE))
        self._note(picture)
        return picture.packet

    def stop(self) -> None:
        """No more."""
        super().stop()
        self._feed.leave(self.queue)

    def _note(self, picture: Picture) -> None:
        """What is sent now."""
        self._sent = picture.media_time
        self.sent_bytes += len(picture.data)
        if picture.key and self._sender is not None:
            takes_key_request(self._sender)  # here it is
        if picture.coded.encoded != self.encoded:
            self.encoded = picture.coded.encoded
            self._on_learnt()

    def _learn(self, sent: int) -> None:
        if self._sender is not None and self.rtp_origin is None:
            self.rtp_origin = rtp_origin(self._sender, sent)
            if self.rtp_origin is not None:
                self._on_learnt()

    def _begin_again(self, sent: int) -> None:
        """Where the viewer lost pictures and says so."""
        now = asyncio.get_running_loop().time()
        if self._sender is None or now - self._began < _AGAIN_PAUSE:
            return
        size = sum(len(picture.data) for picture in self._feed.group)
        if takes_key_request(self._sender) and size <= _AGAIN_BYTES:
            self._begin(sent + 1)

    def _begin(self, first: int) -> None:
        """Send what is kept, no picture of it before this media time."""
        self._began = asyncio.get_running_loop().time()
        group = self._feed.group
        if group:
            first = max(first, group[-1].media_time - len(group) + 1)
        self.queue.begin([picture.at(time) for time, picture in enumerate(group, first)])
