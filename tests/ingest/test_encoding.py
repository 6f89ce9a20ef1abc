import threading
from collections.abc import Callable, Iterator, Sequence

import av
import numpy as np
import pytest

from ingest.decode import Painter
from ingest.encoding import Encoder, Encoding
from ingest.media_clock import TICKS
from ingest.nal_units import H264
from ingest.parameter_sets import SEQUENCE, is_bidirectional, why_unplayable
from ingest.playable import Playable
from tests.films import number_of, numbered_picture

UNIX = 1_800_000_000 * TICKS


def shot(number: int, width: int = 160, height: int = 120, pix_fmt: str = "bgr24") -> av.VideoFrame:
    """A numbered picture as a decoder gives it."""
    picture = av.VideoFrame.from_ndarray(numbered_picture(number), format="bgr24")
    return picture.reformat(width, height, pix_fmt)


def units(coded: Playable) -> Sequence[bytes]:
    return [unit for unit in coded.data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]


def shown(pictures: Sequence[Playable]) -> Iterator[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    for coded in pictures:
        yield from decoder.decode(av.Packet(coded.data))
    yield from decoder.decode(None)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p", "yuv422p10le", "gray"])
def test_every_picture_comes_out_at_once_with_its_media_time(pix_fmt: str) -> None:
    encoder = Encoder(160, 120)
    coded = [encoder.encode(shot(n, pix_fmt=pix_fmt), UNIX + 3600 * n) for n in range(30)]
    assert [one.media_time for one in coded] == [UNIX + 3600 * n for n in range(30)]
    assert {one.encoded for one in coded} == {True}
    painter = Painter()
    assert [number_of(painter.image(one)) for one in shown(coded)] == list(range(30))


def test_a_key_picture_comes_when_it_is_wanted() -> None:
    encoder = Encoder(160, 120)
    wanted = [1, 7]
    coded = [encoder.encode(shot(n), UNIX + 3600 * n, wants_key=n in wanted) for n in range(60)]
    keys = [number for number, one in enumerate(coded) if one.key]
    assert keys == [0, 1, 7, 57], "and two seconds after the last one"


def test_it_is_what_browsers_play_with_parameter_sets_in_front() -> None:
    encoder = Encoder(160, 120)
    coded = [encoder.encode(shot(n), UNIX + 3600 * n) for n in range(120)]
    keys = [one for one in coded if one.key]
    assert [one.media_time for one in keys] == [UNIX, UNIX + 2 * TICKS, UNIX + 4 * TICKS]
    for key in keys:
        assert [H264.type_of(unit) for unit in units(key)][:2] == [7, 8]
    (sequence, *_) = (unit for unit in units(keys[0]) if H264.type_of(unit) == SEQUENCE)
    assert why_unplayable(sequence) == ""
    slices = [unit for one in coded for unit in units(one) if H264.is_slice(unit)]
    assert len(slices) >= 120
    assert not any(map(is_bidirectional, slices))


@pytest.mark.parametrize(
    ("width", "height", "smaller"),
    [(3840, 2160, (1280, 720)), (1000, 2000, (360, 720)), (161, 121, (160, 120)), (2, 2, (2, 2))],
)
def test_large_pictures_become_smaller_in_the_same_proportions(
    width: int, height: int, smaller: tuple[int, int]
) -> None:
    coded = Encoder(width, height).encode(shot(5, width, height, "yuv444p"), UNIX)
    (picture,) = shown([coded])
    assert (picture.width, picture.height) == smaller


def test_its_rate_is_bounded_even_where_nothing_can_be_foreseen() -> None:
    encoder, chance = Encoder(640, 360), np.random.default_rng(1)
    size = 0
    for n in range(75):
        noise = chance.integers(0, 256, (360, 640, 3), np.uint8)
        picture = av.VideoFrame.from_ndarray(noise, format="bgr24")
        size += len(encoder.encode(picture, UNIX + 3600 * n).data)
    assert 8 * size / 3 < 1.5 * 2_500_000


class Sink:
    """Where an encoding's pictures arrive; it can be held up."""

    def __init__(self) -> None:
        self.got: list[Playable] = []
        self.threads: list[threading.Thread] = []
        self.begun = threading.Event()
        self.arrived = threading.Semaphore(0)
        self.goes_on = threading.Semaphore(0)

    def take(self, _: Encoding, picture: Playable) -> None:
        self.got.append(picture)
        self.arrived.release()
        assert self.goes_on.acquire(timeout=20)

    def began(self) -> None:
        self.threads.append(threading.current_thread())
        self.begun.set()


@pytest.fixture
def encoding() -> Iterator[Callable[[Sink], Encoding]]:
    """Makes encodings that have ended, thread and all, after the test."""
    made: list[tuple[Encoding, Sink]] = []

    def make(sink: Sink) -> Encoding:
        made.append((Encoding("gate", sink.take, sink.began), sink))
        return made[-1][0]

    yield make
    for one, sink in made:
        one.close()
        sink.goes_on.release(1000)
        for thread in sink.threads:
            thread.join(20)
            assert not thread.is_alive()


def test_the_newest_picture_wins_and_whoever_gives_them_never_waits(
    encoding: Callable[[Sink], Encoding],
) -> None:
    sink = Sink()
    running = encoding(sink)
    running.put(shot(0), UNIX)
    assert sink.arrived.acquire(timeout=20)
    for n in range(1, 6):
        running.put(shot(n), UNIX + n)
    sink.goes_on.release(2)
    assert sink.arrived.acquire(timeout=20)
    assert [one.media_time - UNIX for one in sink.got] == [0, 5]
    assert [one.key for one in sink.got] == [True, False]
    (thread,) = sink.threads
    assert thread.name == "encoder gate"


def test_pictures_of_another_size_begin_anew_with_a_key_picture(
    encoding: Callable[[Sink], Encoding],
) -> None:
    sink = Sink()
    running = encoding(sink)
    for n, width in enumerate((160, 160, 320)):
        running.put(shot(n, width=width), UNIX + 3600 * n)
        assert sink.arrived.acquire(timeout=20)
        sink.goes_on.release()
    assert [one.key for one in sink.got] == [True, False, True]
    assert [picture.width for picture in shown(sink.got)] == [160, 160, 320]


def test_what_cannot_be_encoded_is_said_and_ends_it(
    encoding: Callable[[Sink], Encoding],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> Playable:
        raise av.error.ExternalError(1, "no more of this")

    monkeypatch.setattr(Encoder, "encode", refuse)
    sink = Sink()
    running = encoding(sink)
    running.put(shot(0), UNIX)
    assert sink.begun.wait(20)
    sink.threads[0].join(20)
    assert "camera gate cannot be encoded for its viewers" in caplog.text
