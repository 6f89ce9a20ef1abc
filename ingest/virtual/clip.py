"""A clip that a virtual camera films for ever."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from ingest.virtual.rtp import CLOCK_RATE
from pipeline.errors import BadInput
from pipeline.messages import Image

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_START = b"\x00\x00\x01"
_CODING = {"bf": "0", "preset": "ultrafast", "crf": "20"}
"""As cameras do: no B-frames, more bits and little search."""
_IDR, _SPS, _PPS = 5, 7, 8
"""NAL unit types of key pictures and of the parameter sets (H.264 table 7-1)."""


@dataclass(frozen=True, slots=True)
class CodedPicture:
    """A picture's NAL units, and when it is shown, in RTP ticks from the clip's beginning."""

    units: Sequence[bytes]
    shown: int

    @property
    def key(self) -> bool:
        """Whether decoding can begin with it."""
        return any(unit[0] & 0x1F == _IDR for unit in self.units)


@dataclass(frozen=True, slots=True)
class Clip:
    """H.264 pictures in the order they are decoded; the first one is a key picture."""

    pictures: Sequence[CodedPicture]
    rate: Fraction
    """Pictures a second."""

    @property
    def sps(self) -> bytes:
        """The sequence parameter set."""
        return self._unit(_SPS)

    @property
    def pps(self) -> bytes:
        """The picture parameter set."""
        return self._unit(_PPS)

    @property
    def delay(self) -> float:
        """Seconds from a picture's capture to its sending that its reordering takes."""
        step = CLOCK_RATE / self.rate
        lead = max(picture.shown - index * step for index, picture in enumerate(self.pictures))
        return float(max(lead, Fraction(0)) / CLOCK_RATE)

    def next_key(self, number: int) -> int:
        """The first key picture from a number on, of the clip played for ever."""
        numbers = range(number, number + len(self.pictures))
        return next(at for at in numbers if self.pictures[at % len(self.pictures)].key)

    def _unit(self, kind: int) -> bytes:
        return next(unit for unit in self.pictures[0].units if unit[0] & 0x1F == kind)


def read_clip(path: Path) -> Clip:
    """Read a file's H.264 as it is, without coding it anew.

    Raises:
        BadInput: the file cannot be read, or it has no H.264 that begins with a key picture.
    """
    try:
        with av.open(f"file:{path}") as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.size]
            return _clip(stream, packets)
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise BadInput(f"{path}: no H.264 video that begins with a key picture") from error


def _clip(stream: "VideoStream", packets: "Sequence[av.Packet[Any]]") -> Clip:
    to_units = av.BitStreamFilterContext("h264_mp4toannexb", stream)
    ticks = stream.time_base * CLOCK_RATE if stream.time_base else Fraction(1)
    first = min(packet.pts or 0 for packet in packets)
    pictures = []
    for packet in packets:
        shown = round(((packet.pts or 0) - first) * ticks)
        units = [unit for part in to_units.filter(packet) for unit in _units(bytes(part))]
        pictures.append(CodedPicture(units, shown))
    return Clip(pictures, stream.average_rate or Fraction(25))


def _units(data: bytes) -> Sequence[bytes]:
    """The NAL units between start codes, which may have a fourth byte: a zero before them."""
    return [unit.rstrip(b"\x00") for unit in data.split(_START) if unit.rstrip(b"\x00")]


def write_clip(path: Path, pictures: Iterable[Image], rate: int | Fraction) -> None:
    """Code pictures of one size, ``rate`` a second, as a camera does.

    H.264 without B-frames, a key picture every second.
    """
    with av.open(str(path), "w") as container:
        stream: VideoStream | None = None
        for picture in pictures:
            stream = stream or _stream(container, picture, rate)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        if stream is not None:
            container.mux(stream.encode(None))


def _stream(container: "OutputContainer", picture: Image, rate: int | Fraction) -> "VideoStream":
    second = str(round(rate))
    key_every = {"g": second, "keyint_min": second, "sc_threshold": "0"}
    stream = container.add_stream("libx264", rate=rate, options=_CODING | key_every)
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt = "yuv420p"
    return stream
