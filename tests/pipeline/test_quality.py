from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import pytest

from pipeline.messages import DetectedFace, Image, Points
from pipeline.quality import glance, quality_of
from tests.fakes import UPRIGHT, face_at

SIDE = 112


def textured() -> Image:
    """A chip of mid greys, sharp to the pixel."""
    noise = np.random.default_rng(3).integers(60, 200, (SIDE, SIDE, 1))
    return np.repeat(noise, 3, axis=2).astype(np.uint8)


def with_nose(across: float, down: float) -> DetectedFace:
    """A face of 100 pixels whose nose tip is moved, in parts of its box."""
    points: Points = UPRIGHT.copy()
    points[2] += (across, down)
    face = face_at(0, 0)
    return DetectedFace(face.box, points * 100, face.score)


def rising(values: Sequence[float]) -> bool:
    return all(one < other for one, other in pairwise(values))


def test_a_larger_face_is_better() -> None:
    chip = textured()
    assert rising([quality_of(face_at(0, 0, side), chip) for side in (20, 40, 80, 160, 320)])


@pytest.mark.parametrize("way", [(1, 0), (-1, 0), (0, 1), (0, -1)], ids=["right", "left", *"du"])
def test_the_further_a_head_is_turned_the_worse(way: tuple[int, int]) -> None:
    turned = [with_nose(way[0] * step, way[1] * step) for step in (0.25, 0.15, 0.08)]
    assert rising([glance(face) for face in (*turned, face_at(0, 0))])


def test_a_tilt_of_the_head_is_no_matter_as_it_is_aligned_away() -> None:
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32)
    tilted = DetectedFace(face_at(0, 0).box, UPRIGHT @ turn * 100, 0.9)
    assert glance(tilted) == pytest.approx(glance(face_at(0, 0)), abs=1e-4)


def test_a_blurred_a_dark_and_a_glaring_face_are_worse() -> None:
    face, chip = face_at(0, 0), textured()
    good = quality_of(face, chip)
    blurred = np.asarray(cv2.GaussianBlur(chip, (0, 0), 3), np.uint8)
    assert quality_of(face, blurred) < good
    assert quality_of(face, (chip // 8).astype(np.uint8)) < good / 2
    assert quality_of(face, np.clip(chip.astype(int) * 4, 0, 255).astype(np.uint8)) < good / 2


def test_what_the_detector_doubts_is_worse() -> None:
    assert glance(face_at(0, 0, score=0.5)) < glance(face_at(0, 0, score=0.9))


@pytest.mark.parametrize(
    "points",
    [np.zeros((5, 2)), UPRIGHT[::-1], np.full((5, 2), np.nan), UPRIGHT * 1e20],
    ids=["one place", "upside down", "no numbers", "far away"],
)
def test_points_that_are_no_face_give_a_number_all_the_same(points: Points) -> None:
    face = DetectedFace(face_at(0, 0).box, points.astype(np.float32), 0.9)
    for chip in (textured(), np.zeros((SIDE, SIDE, 3), np.uint8)):
        assert 0 <= quality_of(face, chip) <= 1
