"""One camera's video, handed to viewers beside its analysis: no second connection to the camera."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ingest.decode import Painter
from ingest.encoding import Encoding
from ingest.masking import Masking
from ingest.media_clock import MediaClock
from ingest.observed import Observed
from ingest.options import DecoderChoice, Masks
from ingest.playable import LastGroup, Playable
from ingest.pulse import Pulse
from ingest.same_moment import OwnTime, Timing

if TYPE_CHECKING:
    import av

    from ingest.passing import Passing

_log = logging.getLogger(__name__)
_MASKED = "parts of it are masked"

_KEY_PAUSE = 1.0
"""Seconds between two key pictures that viewers ask for: each has the size of many others."""


class Tee:
    """What viewers of one camera get, over all its connections, and what came of it.

    The camera's own pictures are passed on, and the last group of them is kept, so that the first
    viewer sees something at once. Where they cannot be played, or something in them is masked, they
    are encoded from the decoded ones: once, and only while somebody plays. A source tells it on
    its own thread of each connection; ``play`` and ``halt`` are called in the event loop. Nothing
    here waits.

    Args:
        name: the camera's.
        on_thread: called on each thread that encodes, before anything else.
        masking: the camera's, the same for whatever shows pictures of it.
        timing: how the stream's media times go together with those of the camera's others; left
            out, it is the one that others go by.
        on_decoded: called with each decoded picture and its media time, on the source's thread.
    """

    def __init__(
        self,
        name: str = "",
        on_thread: Callable[[], None] = lambda: None,
        masking: Masking | None = None,
        timing: Timing | None = None,
        on_decoded: "Callable[[av.VideoFrame, int], None]" = lambda *_: None,
    ) -> None:
        self.clock = MediaClock()
        self.own_time = OwnTime()
        """Of its media times, where they are its own."""
        self.timing = timing or self.own_time
        self.on_decoded = on_decoded
        self.observed = Observed()
        self.pulse = Pulse()
        self.masking = masking or Masking()
        self._name = name
        self._on_thread = on_thread
        self._lock = threading.Lock()
        self._group = LastGroup[Playable]()
        self._listener: Callable[[Playable], None] | None = None
        self._encoding: Encoding | None = None
        self._latest = -1
        """Media time of the last picture that was given."""
        self._decoded = -1
        """Media time of the last picture that was decoded."""
        self._ask: Callable[[], None] = _nobody
        self._asked = float("-inf")

    def play(self, listener: Callable[[Playable], None]) -> None:
        """Give the last group of pictures, then each new one, to ``listener``, on any thread."""
        with self._lock:
            if self.masking.masks and not all(one.encoded for one in self._group.pictures):
                self._group.clear()  # from before somebody masked the camera elsewhere
            for picture in self._group.pictures:
                listener(picture)
            self._listener = listener

    def halt(self) -> None:
        """Nobody plays any more."""
        with self._lock:
            self._listener = None
            self._end_encoding()

    def request_key(self) -> None:
        """A viewer lost pictures: a key picture soon, where one can be had, but not too often."""
        with self._lock:
            now = time.monotonic()
            if now - self._asked < _KEY_PAUSE:
                return
            self._asked = now
            if self._encoding is None:
                self._ask()
            else:
                self._encoding.request_key()

    def mask(self, masks: Masks) -> int:
        """Mask its pictures so from now on; nobody plays then, until ``play`` is called anew.

        What was seen or given before has at most the media time that is returned, and all after
        that is masked.
        """
        with self._lock:
            self.masking.change(masks)
            self._listener = None
            self._latest = max(self._latest, self._decoded)
            self._group.clear()
            self._end_encoding()
            return self._latest

    @contextmanager
    def connection(
        self,
        codec: str,
        passing: "Passing | None",
        transport: str = "tcp",
        ask: Callable[[], None] | None = None,
    ) -> "Iterator[Tap]":
        """While a source is connected it tells the tap of each picture.

        Args:
            codec: of its video, as a person calls it.
            passing: of video that can perhaps be played as it is; None for all other.
            transport: by what it comes.
            ask: asks its sender for a key picture, in the event loop; None: nobody can be asked.
        """
        self._ask = ask or _nobody
        self.clock.begin()
        self.pulse.begin()
        self.timing.begin()
        self.observed.connected(codec, transport)
        try:
            yield Tap(self, passing)
        finally:
            self._ask = _nobody
            self.cut()

    @property
    def is_played(self) -> bool:
        """Whether somebody plays."""
        return self._listener is not None

    def cut(self) -> None:
        """What comes next does not go on from what came before."""
        with self._lock:
            self._group.clear()
            self._end_encoding()

    def give(self, picture: Playable) -> None:
        """A picture of the camera's own; never where something is masked."""
        with self._lock:
            if not self.masking.masks:
                self._give(picture)

    def decoded(self, picture: "av.VideoFrame", media_time: int, why: str) -> None:
        """A decoded picture: it is encoded if somebody plays, and there is a reason for it."""
        with self._lock:
            self._decoded = media_time
            why = _MASKED if self.masking.masks else why
            if not why or self._listener is None or media_time <= self._latest:
                return
            if self._encoding is None:
                _log.info("camera %s is encoded for its viewers: %s", self._name, why)
                self._encoding = Encoding(
                    self._name, self._encoded, self._on_thread, Painter(self.masking)
                )
            self._encoding.put(picture, media_time)

    def _encoded(self, encoding: Encoding, picture: Playable) -> None:
        with self._lock:
            if encoding is self._encoding:
                self._give(picture)

    def _give(self, picture: Playable) -> None:
        self._latest = picture.media_time
        self._group.add(picture)
        if self._listener is not None:
            self._listener(picture)

    def _end_encoding(self) -> None:
        if self._encoding is not None:
            self._encoding.close()
            self._encoding = None
            self._group.clear()


def _nobody() -> None:
    """Ask nobody: a camera by RTSP sends key pictures when it likes."""


class Tap:
    """Where one connection's pictures come in, on the source's thread."""

    def __init__(self, tee: Tee, passing: "Passing | None") -> None:
        self._tee = tee
        self._passing = passing
        self._why = "it is not H.264 by RTSP"
        self.decoder = DecoderChoice.CPU
        """What decodes its pictures."""

    def coded(self, unit: bytes, media_time: int, *, key: bool) -> None:
        """A picture as the camera coded it, whether it is analysed or not.

        Args:
            unit: its access unit.
            media_time: its place in the video.
            key: whether it needs no other picture.
        """
        self._tee.observed.coded(len(unit), media_time, key=key)
        if self._passing is None:
            return
        playable = self._passing.ready(unit, media_time, key=key)
        if self._passing.problem:
            self._why, self._passing = self._passing.problem, None
            self._tee.cut()
        elif playable is not None:
            self._tee.give(playable)

    @property
    def is_viewed(self) -> bool:
        """Whether somebody plays what is encoded here: every picture is wanted decoded."""
        return self._tee.is_played and (self._passing is None or bool(self._tee.masking.masks))

    def skipped(self) -> None:
        """A picture came that nobody decodes."""
        self._tee.pulse.beat()

    def decoded(self, picture: "av.VideoFrame", media_time: int) -> None:
        """A picture as it is shown."""
        self._tee.pulse.beat()
        self._tee.observed.shown(picture.width, picture.height, self.decoder)
        self._tee.on_decoded(picture, media_time)
        self._tee.decoded(picture, media_time, self._why if self._passing is None else "")
