"""Pictures encoded for viewers, where what the camera sends cannot be played by a browser."""

import logging
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

import av
from av.video.frame import PictureType
from av.video.reformatter import VideoReformatter

from ingest.decode import Painter
from ingest.media_clock import TICKS
from ingest.playable import Playable

_log = logging.getLogger(__name__)

_WIDEST, _HIGHEST = 1280, 720
_BITS = 2_500_000
"""A second, at the most: enough for 720p at 25 pictures a second from the fastest preset."""
_KEY_EVERY = 2 * TICKS
"""For so long a viewer who lost a picture sees nothing."""
_OPTIONS = {
    "profile": "baseline",
    "preset": "ultrafast",
    "tune": "zerolatency",
    "forced-idr": "1",
    "crf": "23",
    "maxrate": str(_BITS),
    "bufsize": str(_BITS // 2),
    "g": "300",  # keys are set by time: some cameras send 30 pictures a second, some one
    "keyint_min": "1",
    "sc_threshold": "0",
}


class Encoder:
    """One video in H.264 baseline, of one size; blocks, on one thread at a time.

    Args:
        width: of its pictures, in pixels; taken from the first that is encoded.
        height: likewise. What is larger than 1280x720 is made smaller, in the same proportions.
    """

    def __init__(self, width: int, height: int) -> None:
        scale = min(1.0, _WIDEST / width, _HIGHEST / height)
        self._convert = VideoReformatter()
        self._codec = av.CodecContext.create("libx264", "w")
        self._codec.width, self._codec.height = _even(width * scale), _even(height * scale)
        self._codec.pix_fmt = "yuv420p"
        self._codec.time_base = Fraction(1, TICKS)
        self._codec.framerate = Fraction(25)
        self._codec.thread_count = 1
        self._codec.options = _OPTIONS
        self._source = width, height
        self._key_at = -_KEY_EVERY

    def fits(self, picture: av.VideoFrame) -> bool:
        """Whether a picture is of the size that this was made for."""
        return (picture.width, picture.height) == self._source

    def encode(
        self, picture: av.VideoFrame, media_time: int, *, wants_key: bool = False
    ) -> Playable:
        """A picture, encoded; the first one is a key picture, and so is one that is to be.

        Raises:
            av.FFmpegError: it cannot be encoded.
        """
        size = {"width": self._codec.width, "height": self._codec.height}
        frame = self._convert.reformat(picture, format="yuv420p", threads=1, **size)
        key = wants_key or media_time - self._key_at >= _KEY_EVERY
        frame.pict_type = PictureType.I if key else PictureType.NONE
        frame.pts, frame.time_base = media_time, Fraction(1, TICKS)
        self._key_at = media_time if key else self._key_at
        (packet,) = self._codec.encode(frame)
        return Playable(media_time, packet.is_keyframe, True, bytes(packet))


class Encoding:
    """One camera's pictures encoded on a thread of its own; the newest one wins.

    Args:
        name: the camera's.
        on_coded: called on that thread with this and each encoded picture; it must not wait.
        on_thread: called on that thread before anything else.
        painter: masks its pictures.
    """

    def __init__(
        self,
        name: str,
        on_coded: "Callable[[Encoding, Playable], None]",
        on_thread: Callable[[], None],
        painter: Painter | None = None,
    ) -> None:
        self._name = name
        self._on_coded = on_coded
        self._on_thread = on_thread
        self._painter = painter or Painter()
        self._changed = threading.Condition()
        self._newest: tuple[av.VideoFrame, int] | None = None
        self._wants_key = False
        self._runs = True
        threading.Thread(target=self._run, name=f"encoder {name}").start()

    def put(self, picture: av.VideoFrame, media_time: int) -> None:
        """Encode a picture, unless a newer one comes before its turn; never waits."""
        with self._changed:
            self._newest = picture, media_time
            self._changed.notify()

    def request_key(self) -> None:
        """Let the next picture be a key picture."""
        self._wants_key = True

    def close(self) -> None:
        """Encode no more; the thread ends with the picture that it is at."""
        with self._changed:
            self._runs = False
            self._changed.notify()

    def _run(self) -> None:
        self._on_thread()
        encoder: Encoder | None = None
        try:
            for newest, media_time in self._pictures():
                picture = self._painter.picture(newest)
                if encoder is None or not encoder.fits(picture):
                    encoder = Encoder(picture.width, picture.height)
                wants_key, self._wants_key = self._wants_key, False
                self._on_coded(self, encoder.encode(picture, media_time, wants_key=wants_key))
                del picture, newest  # while the next one is waited for, this one must not be held
        except av.FFmpegError as error:
            _log.error("camera %s cannot be encoded for its viewers: %s", self._name, error)

    def _pictures(self) -> Iterator[tuple[av.VideoFrame, int]]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or not self._runs)
                newest, self._newest = self._newest, None
            if newest is None or not self._runs:
                return
            yield newest
            del newest


def _even(length: float) -> int:
    """A side in pixels as 4:2:0 wants it."""
    return max(2, round(length / 2) * 2)
