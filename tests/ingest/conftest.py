"""Films whose every picture carries its number as a bar code: order and losses can be seen."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.messages import Image

BITS, BAR = 10, 16
HEIGHT, WIDTH = 120, BITS * BAR


def numbered_picture(number: int) -> Image:
    """Bars above, white for 1; noise below, so that a picture needs several RTP packets."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for bit in range(BITS):
        picture[: HEIGHT // 2, bit * BAR : (bit + 1) * BAR] = 255 * (number >> bit & 1)
    noise = np.random.default_rng(number).integers(0, 256, (HEIGHT // 2, WIDTH, 3))
    picture[HEIGHT // 2 :] = noise
    return picture


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """Writes ``count`` numbered pictures, 25 a second, a key picture every 10, no B-frames."""

    def write(count: int, name: str = "film.mp4", codec: str = "libx264", **options: str) -> Path:
        live = {"preset": "veryfast", "bf": "0", "g": "10", "sc_threshold": "0"}
        usual = live if codec == "libx264" else {}
        path = tmp_path / name
        index_first = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
        with av.open(str(path), "w", options=index_first) as container:
            stream = container.add_stream(codec, rate=25, options={**usual, **options})
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = WIDTH, HEIGHT
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for number in range(count):
                picture = av.VideoFrame.from_ndarray(numbered_picture(number), format="bgr24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture
def number_of() -> Callable[[Image], int]:
    """Reads a picture's number."""

    def read(image: Image) -> int:
        middles = image[HEIGHT // 4, BAR // 2 :: BAR, 1]
        return sum(int(middle > 127) << bit for bit, middle in enumerate(middles))

    return read


@pytest.fixture
def decoding_threads() -> Callable[[], list[threading.Thread]]:
    """The sources' threads that are alive."""

    def alive() -> list[threading.Thread]:
        threads = threading.enumerate()
        return [thread for thread in threads if thread.name.startswith(("camera ", "replay "))]

    return alive


@pytest.fixture(autouse=True)
def _no_thread_is_left(
    decoding_threads: Callable[[], list[threading.Thread]],
) -> Iterator[None]:
    yield
    assert decoding_threads() == []


@pytest.fixture
def numbered_pictures() -> Callable[[int], Iterator[Image]]:
    """That many numbered pictures."""
    return lambda count: (numbered_picture(number) for number in range(count))


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Waits for a condition that nobody tells of."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.01)

    return wait
