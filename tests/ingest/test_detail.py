"""Pictures of a detail stream, found by the moment of an analysed one."""

import av
import numpy as np
import pytest

from ingest.detail import DetailPictures

STEP = 3600
"""Ticks at 25 pictures a second."""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def picture(shade: int) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.full((48, 64, 3), shade, np.uint8), format="bgr24")


def filled(clock: Clock, count: int) -> DetailPictures:
    """Asked for, and then given pictures of shades 0, 1, 2, ..."""
    pictures = DetailPictures(clock=clock)
    assert pictures.at(0) is None
    for number in range(count):
        pictures.add(picture(number), number * STEP)
    return pictures


def shade(pictures: DetailPictures, media_time: int) -> int | None:
    image = pictures.at(media_time)
    return None if image is None else round(float(image.mean()))


@pytest.mark.parametrize(
    ("ticks", "number"),
    [
        (5 * STEP, 5),
        (5 * STEP + 1700, 5),
        (5 * STEP + 1900, 6),
        (9 * STEP + 2600, 9),
        (9 * STEP + 2800, None),
        (-2600, 0),
        (-2800, None),
    ],
)
def test_the_nearest_picture_is_given_if_it_is_near_enough(ticks: int, number: int | None) -> None:
    assert shade(filled(Clock(), 10), ticks) == number


def test_only_the_last_few_are_kept() -> None:
    pictures = filled(Clock(), 100)
    assert [shade(pictures, n * STEP) for n in (50, 87, 88, 99)] == [None, None, 88, 99]


def test_a_single_picture_counts_for_its_own_moment_only() -> None:
    pictures = filled(Clock(), 1)
    assert (shade(pictures, 800), shade(pictures, 1800)) == (0, None)


def test_where_nobody_asks_nothing_is_kept() -> None:
    clock = Clock()
    pictures = filled(clock, 3)
    assert pictures.wanted
    clock.now = 60.0
    assert not pictures.wanted
    pictures.add(picture(7), 3 * STEP)
    assert (shade(pictures, 2 * STEP), shade(pictures, 3 * STEP)) == (None, None)
    assert pictures.wanted


def test_of_a_connection_that_is_gone_nothing_is_given() -> None:
    pictures = filled(Clock(), 3)
    pictures.clear()
    assert shade(pictures, STEP) is None


def test_an_image_is_made_once_however_many_faces_ask() -> None:
    pictures = filled(Clock(), 3)
    detail = pictures.of(STEP)
    image = detail()
    assert image is not None
    pictures.clear()
    assert detail() is image


def test_a_picture_that_comes_later_than_it_was_asked_for_is_given_then() -> None:
    pictures = filled(Clock(), 3)
    detail = pictures.of(3 * STEP)
    assert detail() is None
    pictures.add(picture(3), 3 * STEP)
    assert detail() is not None
