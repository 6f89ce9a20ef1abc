"""Films whose every picture carries its number as a bar code: order and losses can be seen."""

from pathlib import Path

import av
import numpy as np

from pipeline.messages import Image

_BITS, _BAR = 10, 16
_HEIGHT, _WIDTH = 120, _BITS * _BAR
_LIVE = {"preset": "veryfast", "bf": "0", "g": "10", "sc_threshold": "0"}


def numbered_picture(number: int) -> Image:
    """Bars above, white for 1; noise below, so that a picture needs several RTP packets."""
    picture = np.zeros((_HEIGHT, _WIDTH, 3), np.uint8)
    for bit in range(_BITS):
        picture[: _HEIGHT // 2, bit * _BAR : (bit + 1) * _BAR] = 255 * (number >> bit & 1)
    noise = np.random.default_rng(number).integers(0, 256, (_HEIGHT // 2, _WIDTH, 3))
    picture[_HEIGHT // 2 :] = noise
    return picture


def number_of(image: Image) -> int:
    """The number a picture carries, however large it is."""
    bar = image.shape[1] // _BITS
    middles = image[image.shape[0] // 4, bar // 2 :: bar, 1][:_BITS]
    return sum(int(middle > 127) << bit for bit, middle in enumerate(middles))


def write_film(
    path: Path, count: int, codec: str = "libx264", scale: int = 1, /, **options: str
) -> Path:
    """``count`` numbered pictures, 25 a second; with libx264 a key picture every 10, no B-frames.

    They are ``scale`` times 160x120. The index of an MP4 file comes first.
    """
    index_first = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    usual = _LIVE if codec == "libx264" else {}
    with av.open(str(path), "w", options=index_first) as container:
        stream = container.add_stream(codec, rate=25, options={**usual, **options})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = scale * _WIDTH, scale * _HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(count):
            picture = av.VideoFrame.from_ndarray(
                numbered_picture(number).repeat(scale, 0).repeat(scale, 1), format="bgr24"
            )
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path
