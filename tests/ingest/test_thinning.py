"""What is decoded under which load, and that no picture suffers from what was left out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest

from ingest.access_units import Need
from ingest.decode import Decoder, Painter
from ingest.footage import shots
from ingest.thinning import Thinning
from tests.ingest.test_load import Clock

Film = Callable[..., Path]
RATE = 25
STREAM = [Need.KEY, *[Need.DISPOSABLE, Need.REFERENCE] * 2]
"""Of 25 pictures a second 5 are key ones, and 10 can be left out."""


class Camera:
    """A stream, thinned out, of which at most so many pictures a second are taken."""

    def __init__(self, stream: Sequence[Need] = STREAM) -> None:
        self._stream = stream
        self._clock = Clock()
        self.thinning = Thinning(self._clock)
        self._number = 0
        self._decoded = self._taken = 0
        self._took_at = float("-inf")

    def run(self, seconds: float, most: float) -> list[Need]:
        """What was decoded."""
        decoded = []
        for _ in range(round(seconds * RATE)):
            self._clock.now += 1 / RATE
            need = self._stream[self._number % len(self._stream)]
            self._number += 1
            if self.thinning.wants(need, self._decoded, self._taken):
                decoded.append(need)
                self._decoded += 1
                self._taken += self._is_ready(most)
        return decoded

    def _is_ready(self, most: float) -> bool:
        """Whether the reader, who takes ``most`` a second at even distances, takes this one."""
        if self._clock.now - self._took_at < 1 / most - 1e-9:
            return False
        self._took_at = self._clock.now
        return True


def share(decoded: Sequence[Need], need: Need) -> float:
    return sum(one is need for one in decoded) / len(decoded)


def test_what_is_taken_whole_is_decoded_whole() -> None:
    assert Camera().run(60, most=RATE) == [STREAM[n % 5] for n in range(60 * RATE)]


def test_for_the_first_seconds_of_an_overload_everything_is_decoded() -> None:
    assert len(Camera().run(5, most=2)) == 5 * RATE


def test_first_what_no_other_picture_needs_is_left_out() -> None:
    camera = Camera()
    camera.run(8, most=9)
    later = camera.run(60, most=9)
    assert set(later) == {Need.REFERENCE, Need.KEY}
    assert len(later) == 60 * 15


def test_key_pictures_alone_are_decoded_where_they_are_more_than_is_taken() -> None:
    camera = Camera()
    camera.run(8, most=2)
    later = camera.run(60, most=2)
    assert set(later) == {Need.KEY}
    assert len(later) == 60 * 5
    assert camera.thinning.keys_only


def test_key_pictures_that_are_too_rare_are_not_enough() -> None:
    camera = Camera([Need.KEY, *[Need.REFERENCE] * 49])
    assert len(camera.run(120, most=2)) == 120 * RATE


def test_when_the_load_has_gone_everything_is_decoded_again() -> None:
    camera = Camera()
    camera.run(20, most=2)
    camera.run(16, most=RATE)
    assert len(camera.run(60, most=RATE)) == 60 * RATE


def test_after_a_gap_it_goes_on_from_a_key_picture() -> None:
    camera = Camera([Need.KEY, *[Need.REFERENCE] * 9])
    camera.run(20, most=0.5)
    assert camera.thinning.keys_only
    decoded: list[Need] = []
    while camera.thinning.keys_only:
        decoded = camera.run(1 / RATE, most=RATE)
    assert decoded == [Need.KEY]


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"g": "10"}),
        ("libx264", {"g": "10", "bf": "2"}),
        ("libx265", {"x265-params": "bframes=2:keyint=10:log-level=none"}),
    ],
)
def test_a_key_picture_by_itself_and_what_follows_are_as_they_would_have_been(
    film: Film, codec: str, options: dict[str, str]
) -> None:
    path = film(50, codec=codec, **options)
    whole = {round(shot.moment * RATE): shot.paint() for shot in shots(path)}
    with av.open(str(path)) as container:
        stream, painter = container.streams.video[0], Painter()
        decoder, seen = Decoder(stream.codec_context), dict[int, np.ndarray]()
        keys = 0
        for packet in container.demux(stream):
            keys += packet.is_keyframe
            alone = keys <= 3  # three key pictures by themselves, then everything
            if alone and packet.size and not packet.is_keyframe:
                continue
            if packet.pts is not None:
                packet.opaque = round(packet.pts * packet.time_base * RATE)
            decode = decoder.decode_alone if alone else decoder.decode
            for picture in decode(packet):
                seen[cast("int", picture.opaque)] = painter.image(picture)
    assert keys == 5
    assert {0, 10, 20} <= set(seen)
    assert set(range(33, 50)) <= set(seen)
    assert all(np.array_equal(image, whole[at]) for at, image in seen.items())
