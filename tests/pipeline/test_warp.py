import cv2
import numpy as np
import pytest

from pipeline.align import Template, align
from pipeline.messages import Box, Image
from pipeline.warp import square_around, warp
from tests.fakes import UPRIGHT, face_at


def smooth_picture(width: int = 640, height: int = 480) -> Image:
    """Every place has its own colour, and colours change slowly."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([across, down, (across + down) / 2], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("side", [24, 48, 150, 224])
def test_a_square_is_cut_as_a_plain_crop_and_resize_would(side: int) -> None:
    image = smooth_picture()
    box = Box(100, 120, 200, 200)
    cut = warp(image, square_around(box, 1.0, side), (side, side))
    plain = cv2.resize(image[120:320, 100:300], (side, side), interpolation=cv2.INTER_AREA)
    assert cut.shape == (side, side, 3)
    inner = slice(1, -1)
    assert np.abs(cut[inner, inner].astype(int) - plain[inner, inner]).max() <= 2


def test_a_margin_widens_the_square_around_the_same_centre() -> None:
    image = smooth_picture()
    wide = warp(image, square_around(Box(200, 200, 50, 100), 2.0, 100), (100, 100))
    assert wide[50, 50] == pytest.approx(image[250, 225].astype(int), abs=3)
    assert wide[1, 1] == pytest.approx(image[152, 127].astype(int), abs=3)


def test_what_lies_outside_of_the_picture_is_black() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    cut = warp(white, square_around(Box(-50, -50, 100, 100), 1.0, 50), (50, 50))
    assert not cut[:20, :20].any()
    assert (cut[30:, 30:] == 255).all()


def test_a_box_far_outside_gives_a_black_picture() -> None:
    white = np.full((100, 100, 3), 255, np.uint8)
    assert not warp(white, square_around(Box(900, 900, 80, 80), 1.0, 20), (20, 20)).any()


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    """A chessboard of single pixels is grey from afar, not black or white."""
    board = (np.indices((400, 400)).sum(0) % 2 * 255).astype(np.uint8)
    image = np.repeat(board[..., None], 3, axis=2)
    small = warp(image, square_around(Box(0, 0, 400, 400), 1.0, 40), (40, 40))
    assert np.abs(small[2:-2, 2:-2].astype(int) - 127).max() <= 2


@pytest.mark.parametrize("angle", [0, 20, -40])
@pytest.mark.parametrize("side", [60, 240])
def test_alignment_brings_the_points_of_a_turned_face_to_the_template(
    angle: float, side: float
) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    turn = cv2.getRotationMatrix2D((320.0, 240.0), angle, 1.0)
    points = face_at(320 - side / 2, 240 - side / 2, side).points @ turn[:, :2].T + turn[:, 2]
    for x, y in points:
        cv2.circle(image, (round(x), round(y)), max(2, round(side / 20)), (255, 255, 255), -1)
    template = Template(UPRIGHT * 112, (112, 112))
    chip = align(image, points.astype(np.float32), template)
    assert chip.shape == (112, 112, 3)
    for x, y in template.points:
        assert chip[round(y), round(x)].min() > 200
    assert chip[0, 0].max() == 0
