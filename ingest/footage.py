"""A video file's pictures, from the first to the last. Blocks: it runs on a source's thread."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import av
from av.stream import Disposition

from ingest.decode import Decoder, Painter
from pipeline.errors import BadInput
from pipeline.messages import Image

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

CONTAINERS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,h264,hevc,mjpeg"
"""FFmpeg's names of what is read. Playlists and the like are not: they name other files."""
_ALLOWED = "MP4, MOV, MKV, WebM, AVI, MPEG-TS, MPEG, FLV, ASF, Ogg, raw H.264, H.265 and MJPEG"
_USUAL_RATE = 25
"""Pictures a second where the file says nothing."""
_SHORT_OF_LENGTH = 2.0
"""Seconds that may be missing at the end: the sound may last a little longer."""


class Shot(NamedTuple):
    """A picture, its place in the video and how long it is shown, both in seconds.

    ``paint`` makes the image.
    """

    moment: float
    lasts: float
    paint: Callable[[], Image]


def shots(path: Path) -> Iterator[Shot]:
    """All pictures of a video file, in the order they are shown.

    Raises:
        BadInput: it cannot be read or is no video; or, after the last picture that could be
            read, that some were damaged or that the end is missing.
    """
    with _open(path) as container:
        reading = _Reading(container, _video_of(container, path))
        try:
            yield from reading.shots()
        except av.FFmpegError as error:
            raise BadInput(f"{path}: {error.strerror} at {reading.end:.2f} s") from error
        if wrong := reading.wrong():
            raise BadInput(f"{path}: {wrong}")


def _open(path: Path) -> "InputContainer":
    try:  # "file:" keeps a colon in a name from being read as a protocol
        return av.open(f"file:{path}", options={"format_whitelist": CONTAINERS})
    except av.FFmpegError as error:
        allowed = f"; allowed are {_ALLOWED}" if path.is_file() else ""
        raise BadInput(f"{path}: {error.strerror}{allowed}") from error


def _video_of(container: "InputContainer", path: Path) -> "VideoStream":
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:  # the cover of a piece of music
            return stream
    raise BadInput(f"{path}: there is no video in it")


class _Reading:
    """One pass over a file, which remembers what was wrong with it."""

    def __init__(self, container: "InputContainer", stream: "VideoStream") -> None:
        self._container = container
        self._stream = stream
        self._decoder = Decoder(stream.codec_context)
        self._step = 1 / float(stream.average_rate or _USUAL_RATE)
        self._shown = self._damaged = 0
        self.end = 0.0
        """Where the last picture ends, in seconds."""

    def shots(self) -> Iterator[Shot]:
        painter = Painter()
        for packet in self._container.demux(self._stream):
            for picture in self._pictures(packet):
                moment = self.end if picture.pts is None else picture.time
                self.end = moment + self._step
                self._shown += 1
                yield Shot(moment, self._step, partial(painter.image, picture))

    def _pictures(self, packet: "av.Packet[VideoStream]") -> Sequence[av.VideoFrame]:
        try:
            pictures = [] if packet.is_corrupt else list(self._decoder.decode(packet))
        except av.error.InvalidDataError:
            pictures = []
            self._damaged += self._shown > 0  # a recording may begin between two key frames
        whole = [picture for picture in pictures if not picture.is_corrupt]
        self._damaged += packet.is_corrupt or len(pictures) - len(whole)
        return whole

    def wrong(self) -> str:
        """What is missing, empty if nothing is."""
        length = (self._container.duration or 0) / av.time_base
        if not self._shown:
            return "not one picture in it could be decoded"
        if self._damaged:
            return f"{self._damaged} pictures are damaged or cut off, {self._shown} could be read"
        if length - self.end + self._start() > _SHORT_OF_LENGTH:
            return f"cut off at {self.end:.1f} s of {length:.1f} s"
        return ""

    def _start(self) -> float:
        return (self._container.start_time or 0) / av.time_base
