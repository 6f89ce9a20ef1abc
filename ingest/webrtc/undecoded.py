"""Coded pictures on their way to aiortc's decoding thread, in a queue that has a bound.

aiortc's own has none: where decoding is slower than the camera, it would grow for ever, and what
is seen would be older and older.
"""

import queue
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from ingest.nal_units import H264, units_of

if TYPE_CHECKING:
    from aiortc import RTCRtpCodecParameters, RTCRtpReceiver
    from aiortc.jitterbuffer import JitterFrame

    Item: TypeAlias = tuple[RTCRtpCodecParameters, JitterFrame]

_MOST = 12
"""Pictures that wait to be decoded: half a second."""
_QUEUE, _LOST = "_RTCRtpReceiver__decoder_queue", "_RTCRtpReceiver__decoder_error"
"""aiortc's private names: where pictures wait, and what makes it ask for a key picture."""


class Undecoded(queue.Queue["Item | None"]):
    """When it is full all that waits is dropped, then everything up to the next key picture.

    Without those before it no picture in between could be decoded as it was meant.

    Args:
        ask: for a key picture.
        on_picture: called with each picture that comes, whatever becomes of it.
        on_thread: called once on the thread that decodes, before anything else.
    """

    def __init__(
        self,
        ask: Callable[[], None],
        on_picture: "Callable[[RTCRtpCodecParameters, JitterFrame], None]",
        on_thread: Callable[[], None],
    ) -> None:
        super().__init__()
        self.dropped = 0
        self.ask = ask
        self._on_picture = on_picture
        self._on_thread: Callable[[], None] | None = on_thread
        self._broken = False

    def put(self, item: "Item | None", block: bool = True, timeout: float | None = None) -> None:
        """Leave a picture; None is the end, and nothing that waits is decoded before it."""
        if item is not None:
            self._on_picture(*item)
        if item is None or self.qsize() >= _MOST:
            self._drop()
            self._broken = item is not None
        if item is not None and self._broken and not is_key(*item):
            self.dropped += 1
            self.ask()
            return
        self._broken = False
        super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> "Item | None":
        """The next picture; waits for it."""
        if self._on_thread is not None:
            self._on_thread()
            self._on_thread = None
        return super().get(block, timeout)

    def _drop(self) -> None:
        try:
            while True:
                self.get_nowait()
                self.dropped += 1
        except queue.Empty:
            return


def is_key(codec: "RTCRtpCodecParameters", picture: "JitterFrame") -> bool:
    """Whether a picture needs no other: RFC 6386, 9.1, for VP8; its units say so for H.264."""
    if codec.name == "VP8":
        return bool(picture.data) and not picture.data[0] & 1
    return any(H264.is_key(unit) for unit in units_of(picture.data))


def bound(
    receiver: "RTCRtpReceiver",
    on_picture: "Callable[[RTCRtpCodecParameters, JitterFrame], None]",
    on_thread: Callable[[], None],
) -> Undecoded:
    """Give a receiver that did not begin yet a queue with a bound."""
    waiting = Undecoded(getattr(receiver, _LOST).set, on_picture, on_thread)
    if not isinstance(getattr(receiver, _QUEUE), queue.Queue):
        raise TypeError(f"aiortc has no queue {_QUEUE} any more")
    setattr(receiver, _QUEUE, waiting)
    return waiting
