"""Coded pictures become images. Everything here blocks: it never runs on the event loop."""

import logging
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
from av.codec.hwaccel import HWAccel
from av.video.reformatter import VideoReformatter

from ingest.masking import Masking
from ingest.options import DecoderChoice
from ingest.troubles import NoDecoder
from pipeline.messages import Image

_log = logging.getLogger(__name__)
_OF_GPU = {"nv12", "p010le", "p016le"}
"""How pictures come from a GPU: FFmpeg's own decoders never lay them out so."""

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext


class Decoder:
    """One stream's decoder, on the calling thread alone.

    FFmpeg's frame threads would give each picture out one or more pictures late; several sources
    and the networks keep the cores busy anyway. Its low-delay flag was measured to change nothing:
    where a stream says that it has no B-frames, each picture comes at once without it.
    """

    def __init__(self, codec: "VideoCodecContext", *, on_gpu: bool = False) -> None:
        self._on_gpu = on_gpu
        self.used = DecoderChoice.CPU
        """What decoded the latest picture."""
        codec.thread_type = "SLICE"
        codec.thread_count = 1
        codec.copy_opaque = True
        self._codec = codec

    def decode(self, packet: "av.Packet[Any]") -> Iterator[av.VideoFrame]:
        """The pictures that ``packet`` completes, as shown; an empty packet asks for the last.

        A picture carries the ``opaque`` of the packet it came in.

        Raises:
            av.error.InvalidDataError: there is no picture in it.
        """
        for picture in self._codec.decode(packet):
            self._note(picture)
            yield picture

    def decode_alone(self, packet: "av.Packet[Any]") -> Sequence[av.VideoFrame]:
        """The picture in ``packet``, which needs no other; it waits for none, and none for it.

        Raises:
            av.error.InvalidDataError: there is no picture in it.
        """
        self._codec.flush_buffers()
        pictures = [*self._codec.decode(packet), *self._codec.decode(None)]
        self._codec.flush_buffers()
        for picture in pictures:
            self._note(picture)
        return pictures

    def _note(self, picture: av.VideoFrame) -> None:
        fetched = self._on_gpu and picture.format.name in _OF_GPU
        self.used = DecoderChoice.CUDA if fetched else DecoderChoice.CPU

    @property
    def reorders(self) -> bool:
        """Whether pictures are shown in another order than they are coded in."""
        return bool(self._codec.has_b_frames)


def decoder_for(codec: "VideoCodecContext", choice: DecoderChoice) -> Decoder:
    """A decoder of a stream, as it was chosen.

    Args:
        codec: of the stream, which decodes on the CPU.
        choice: auto takes that where there is no other.

    Raises:
        NoDecoder: CUDA is asked for, and cannot be had for this codec.
    """
    if choice is DecoderChoice.CPU:
        return Decoder(codec)
    accelerated = HWAccel("cuda", allow_software_fallback=choice is DecoderChoice.AUTO)
    try:
        found = on_gpu(codec, accelerated)
    except (av.FFmpegError, NotImplementedError) as error:
        why = error.strerror if isinstance(error, av.FFmpegError) else "not for this codec"
    else:
        return Decoder(found, on_gpu=True)
    if choice is DecoderChoice.CUDA:
        raise NoDecoder(
            f"options.decoder is cuda, which cannot decode {codec.name} here ({why}); cpu and auto"
            " can"
        )
    _log.info("no decoder of a GPU for %s (%s): it is decoded on the CPU", codec.name, why)
    return Decoder(codec)


def on_gpu(codec: "VideoCodecContext", accelerated: HWAccel) -> "VideoCodecContext":
    """A decoder of the same stream that a device accelerates; its pictures come to main memory.

    Raises:
        av.FFmpegError: there is no such device, or it is not to be had.
        NotImplementedError: it does not decode this codec.
    """
    found = av.CodecContext.create(codec.name, "r", accelerated)
    if not found.is_hwaccel:  # PyAV leaves it out without a word
        raise NotImplementedError(codec.name)
    found.extradata = codec.extradata
    return cast("VideoCodecContext", found)


class Painter:
    """Decoded pictures of one source, masked, on whichever thread wants one.

    There is no other way from a camera's decoded picture to anybody's eyes.
    """

    def __init__(self, masking: Masking | None = None) -> None:
        self._masking = masking or Masking()
        self._convert = VideoReformatter()
        self._one_at_a_time = Lock()  # the reformatter keeps its tables between pictures

    def image(self, picture: av.VideoFrame) -> Image:
        """``picture`` in BGR, upright where the file says how it was held."""
        with self._one_at_a_time:
            flat = self._convert.reformat(picture, format="bgr24", threads=1)
        image = np.asarray(flat.to_ndarray(), np.uint8)
        quarters = round(picture.rotation / 90)
        upright = np.ascontiguousarray(np.rot90(image, quarters) if quarters else image)
        return self._masking.black_out(upright)

    def picture(self, picture: av.VideoFrame) -> av.VideoFrame:
        """``picture`` to be encoded: itself where nothing is masked."""
        if not self._masking.masks:
            return picture
        return av.VideoFrame.from_ndarray(self.image(picture), format="bgr24")
