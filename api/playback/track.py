"""What one viewer is sent: the camera's pictures, as they are."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiortc import MediaStreamTrack, RTCRtpSender

from api.playback.catch_up import CatchUp, Step
from api.playback.feed import Feed, Picture, Queue
from api.playback.rtp_origin import rtp_origin, takes_key_request, wrapped

if TYPE_CHECKING:
    import av

    from ingest.roles import StreamRole

_LEAST = 0.004
"""Seconds between two pictures of a kept group, however late they are."""
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
        on_learnt: is called when ``rtp_origin``, ``encoded``, ``caught_up``, ``role`` or ``exact``
            has changed.
        on_lost: is called when the viewer has lost pictures.
    """

    kind = "video"

    def __init__(
        self, feed: Feed, on_learnt: Callable[[], None], on_lost: Callable[[], None]
    ) -> None:
        super().__init__()
        self.queue = Queue()
        self.sent_bytes = 0
        self.encoded: bool | None = None
        self.role: StreamRole | None = None
        """What the stream is for that its pictures are of."""
        self.exact = True
        """Their times are those of the analysed stream, and not estimated."""
        self._feed = feed
        self._on_learnt = on_learnt
        self._on_lost = on_lost
        self._sender: RTCRtpSender | None = None
        self._sent: int | None = None
        """The time at which the last picture was sent, in ticks of media time."""
        self._origin: int | None = None
        self._behind = False
        self._exact = False
        """It has been sent a picture at its own time."""
        self._catch_up = CatchUp()
        self._began = 0.0

    @property
    def rtp_origin(self) -> int | None:
        """RTP timestamp minus media time, modulo 2^32; None until timestamps are exact."""
        return self._origin if self._exact else None

    @property
    def caught_up(self) -> tuple[tuple[int, int], ...]:
        """RTP timestamp and media time of each picture of the last group it began with."""
        if self._origin is None:
            return ()
        shifts = self._catch_up.shifts
        return tuple((wrapped(self._origin + one.sent), one.media_time) for one in shifts)

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
        step = self._turn(picture) if self._behind else None
        if step is None:
            self._note_exact()
            await asyncio.sleep(0)  # everyone else's turn, too: sending never waits
        else:
            await asyncio.sleep(max(_LEAST, step.due - asyncio.get_running_loop().time()))
            picture = picture.at(step.shift.sent)
        self._note(picture)
        return picture.packet

    def stop(self) -> None:
        """No more."""
        super().stop()
        self._feed.leave(self.queue)

    def _turn(self, picture: Picture) -> Step | None:
        """When a picture is sent, and as of when; None: it is the newest one, and sent as it is."""
        step = self._catch_up.step(picture)
        if step is not None:
            return step
        sent = self._sent or 0
        if not self.queue and picture.media_time > sent:
            self._behind = False
            return None
        now, first = asyncio.get_running_loop().time(), max(sent + 1, self._feed.just_now())
        waiting = [picture, *self.queue.waiting]
        self._catch_up.plan(waiting[:-1] or waiting, first, now)  # the newest may be exact
        if self._origin is not None:
            self._on_learnt()
        return self._catch_up.step(picture)

    def _note_exact(self) -> None:
        """From here on pictures are sent at their own times."""
        if not self._exact:
            self._exact = True
            if self._origin is not None:
                self._on_learnt()

    def _note(self, picture: Picture) -> None:
        """What is sent now."""
        self._sent = picture.media_time
        self.sent_bytes += len(picture.data)
        if picture.key and self._sender is not None:
            takes_key_request(self._sender)  # here it is
        coded = picture.coded
        if (coded.encoded, coded.role, coded.exact) != (self.encoded, self.role, self.exact):
            self.encoded, self.role, self.exact = coded.encoded, coded.role, coded.exact
            self._on_learnt()

    def _learn(self, sent: int) -> None:
        if self._sender is not None and self._origin is None:
            self._origin = rtp_origin(self._sender, sent)
            if self._origin is not None:
                self._on_learnt()

    def _begin_again(self) -> None:
        """Where the viewer lost pictures and says so."""
        now = asyncio.get_running_loop().time()
        if self._sender is None or now - self._began < (0 if self.encoded else _AGAIN_PAUSE):
            return
        if not takes_key_request(self._sender):
            return
        self._on_lost()
        size = sum(len(picture.data) for picture in self._feed.group)
        if not self.encoded and size <= _AGAIN_BYTES:  # where it is encoded, a key picture comes
            self._begin()

    def _begin(self) -> None:
        """With what is kept, or with the next key picture."""
        self._began = asyncio.get_running_loop().time()
        group = self._feed.group
        self._behind = bool(group)
        self._catch_up.begin()
        self.queue.begin(group)
