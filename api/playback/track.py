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

    The group is sent faster than it was taken, each picture as if it were taken now: to a browser's
    clock that is a camera of more pictures a second, and it is not behind afterwards. (At their own
    times it would play them at their own pace, and stay behind for ever; all at one time confuses
    its clock for seconds.) From the first picture on that is the newest, timestamps are exact.

    Args:
        on_learnt: is called when ``rtp_origin`` or ``encoded`` has changed.
    """

    kind = "video"

    def __init__(self, feed: Feed, on_learnt: Callable[[], None]) -> None:
        super().__init__()
        self.queue = Queue()
        self.sent_bytes = 0
        self.rtp_origin: int | None = None
        """RTP timestamp minus media time, modulo 2^32; None until timestamps are exact."""
        self.encoded: bool | None = None
        self._feed = feed
        self._on_learnt = on_learnt
        self._sender: RTCRtpSender | None = None
        self._sent: int | None = None
        """The time at which the last picture was sent, in ticks of media time."""
        self._behind = False
        self._began = 0.0

    def sent_by(self, sender: RTCRtpSender) -> None:
        """Who asks for the pictures."""
        self._sender = sender

    async def recv(self) -> "av.Packet[Any]":
        """The next picture; asked for when the one before was sent."""
        if self._sent is None:
            self._feed.join(self.queue)
            self._begin()
        else:
            self._learn(self._sent)
            self._begin_again()
        picture = await self.queue.take()
        if self._behind:
            await asyncio.sleep(max(_DECODED, len(picture.data) / _PACE))
            picture = self._as_of_now(picture)
        else:
            await asyncio.sleep(0)  # everyone else's turn, too: sending never waits
        self._note(picture)
        return picture.packet

    def stop(self) -> None:
        """No more."""
        super().stop()
        self._feed.leave(self.queue)

    def _as_of_now(self, picture: Picture) -> Picture:
        """While there are newer ones, as if it were taken now; the newest as it is."""
        sent = self._sent or 0
        if not self.queue and picture.media_time > sent:
            self._behind = False
            return picture
        return picture.at(max(sent + 1, self._feed.just_now()))

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
        if self._sender is not None and self.rtp_origin is None and not self._behind:
            self.rtp_origin = rtp_origin(self._sender, sent)
            if self.rtp_origin is not None:
                self._on_learnt()

    def _begin_again(self) -> None:
        """Where the viewer lost pictures and says so."""
        now = asyncio.get_running_loop().time()
        if self._sender is None or now - self._began < _AGAIN_PAUSE:
            return
        size = sum(len(picture.data) for picture in self._feed.group)
        if takes_key_request(self._sender) and size <= _AGAIN_BYTES:
            self._begin()

    def _begin(self) -> None:
        """With what is kept, or with the next key picture."""
        self._began = asyncio.get_running_loop().time()
        group = self._feed.group
        self._behind = bool(group)
        self.queue.begin(group)
