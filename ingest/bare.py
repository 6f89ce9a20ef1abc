"""A film's pictures by PyAV alone: what decoding costs at the least."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from pipeline.messages import Image


def bare_pictures(film: Path) -> Iterator[Image]:
    """The pictures for ever, [height, width, 3] in BGR, decoded on the calling thread alone."""
    while True:
        with av.open(str(film)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_type = "SLICE"
            stream.codec_context.thread_count = 1
            convert = VideoReformatter()
            for picture in container.decode(stream):
                flat = convert.reformat(picture, format="bgr24", threads=1)
                yield np.asarray(flat.to_ndarray(), np.uint8)
