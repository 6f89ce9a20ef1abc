"""Coded pictures become images. Everything here blocks: it never runs on the event loop."""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ingest.masking import Masking
from pipeline.messages import Image

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext


class Decoder:
    """One stream's decoder, on the calling thread alone.

    FFmpeg's frame threads would give each picture out one or more pictures late; several sources
    and the networks keep the cores busy anyway. Its low-delay flag was measured to change nothing:
    where a stream says that it has no B-frames, each picture comes at once without it.
    """

    def __init__(self, codec: "VideoCodecContext") -> None:
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
        yield from self._codec.decode(packet)

    def decode_alone(self, packet: "av.Packet[Any]") -> Sequence[av.VideoFrame]:
        """The picture in ``packet``, which needs no other; it waits for none, and none for it.

        Raises:
            av.error.InvalidDataError: there is no picture in it.
        """
        self._codec.flush_buffers()
        pictures = [*self._codec.decode(packet), *self._codec.decode(None)]
        self._codec.flush_buffers()
        return pictures

    @property
    def reorders(self) -> bool:
        """Whether pictures are shown in another order than they are coded in."""
        return bool(self._codec.has_b_frames)


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
