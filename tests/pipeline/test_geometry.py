import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.geometry import (
    box_of,
    corners_of,
    eye_distance,
    overlaps,
    scale_of,
    similarity_transform,
    suppress,
)
from pipeline.messages import Box
from tests.fakes import UPRIGHT, face_at


def test_a_box_survives_the_way_to_corners_and_back() -> None:
    assert box_of(corners_of(Box(1, 2, 30, 40))) == Box(1, 2, 30, 40)


def test_the_eye_distance_is_measured_between_the_first_two_points() -> None:
    assert eye_distance(face_at(5, 5, side=100).points) == pytest.approx(40)


def test_overlap_is_shared_area_over_union_or_over_the_smaller() -> None:
    one = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [0, 0, 5, 5], [20, 20, 30, 30]], np.float32)
    assert overlaps(one, others) == pytest.approx([1, 1 / 3, 0.25, 0])
    assert overlaps(one, others, over="smaller") == pytest.approx([1, 0.5, 1, 0])


def test_suppression_keeps_the_best_of_boxes_on_one_face() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], np.float32)
    kept = suppress(boxes, np.array([0.8, 0.9, 0.7], np.float32), 0.3)
    assert kept.tolist() == [1, 2]


def test_suppressing_nothing_keeps_nothing() -> None:
    assert suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 0.3).size == 0


@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.05, 20),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_a_similarity_is_recovered_from_five_points(
    angle: float, scale: float, x: float, y: float
) -> None:
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = UPRIGHT * 100
    transform = similarity_transform(source, (source @ linear.T + [x, y]).astype(np.float32))
    assert transform[:, :2] == pytest.approx(linear, abs=1e-3 * scale)
    assert transform[:, 2] == pytest.approx([x, y], abs=0.2)
    assert scale_of(transform) == pytest.approx(scale, rel=1e-3)


@given(st.lists(st.tuples(st.floats(0, 99), st.floats(0, 99)), min_size=5, max_size=5))
def test_no_similarity_brings_five_points_nearer(places: list[tuple[float, float]]) -> None:
    source = np.array(places, np.float32)
    assume(source.std(0).max() > 1)
    x, y, ones, zeros = source[:, 0], source[:, 1], np.ones(5), np.zeros(5)
    rows = np.vstack([np.stack([x, -y, ones, zeros], 1), np.stack([y, x, zeros, ones], 1)])
    best, *_ = np.linalg.lstsq(rows.astype(np.float64), UPRIGHT.T.ravel().astype(np.float64))
    transform = similarity_transform(source, UPRIGHT)
    expected = [[best[0], -best[1], best[2]], [best[1], best[0], best[3]]]
    assert transform == pytest.approx(np.array(expected), abs=1e-6)


def test_points_on_one_spot_give_numbers_all_the_same() -> None:
    transform = similarity_transform(np.zeros((5, 2), np.float32), UPRIGHT)
    assert np.isfinite(transform).all()


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    mirrored = UPRIGHT * np.array([-1, 1], np.float32)
    transform = similarity_transform(mirrored, UPRIGHT)
    assert np.linalg.det(transform[:, :2]) > 0
