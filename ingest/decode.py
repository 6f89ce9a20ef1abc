"""Coded pictures become images. Everything here blocks: it never runs on the event loop."""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

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
    """Decoded pictures of one source as BGR images, on whichever thread wants one."""

    def __init__(self) -> None:
        self._convert = VideoReformatter()
        self._one_at_a_time = Lock()  # the reformatter keeps its tables between pictures

    def image(self, picture: av.VideoFrame) -> Image:
        """``picture`` as [height, width, 3], upright where the file says how it was held."""
        with self._one_at_a_time:
            flat = self._convert.reformat(picture, format="bgr24", threads=1)
        image = np.asarray(flat.to_ndarray(), np.uint8)
        quarters = round(picture.rotation / 90)
        return np.ascontiguousarray(np.rot90(image, quarters) if quarters else image)
