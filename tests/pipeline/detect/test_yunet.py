from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.detect.closeup import CloseUp
from pipeline.detect.yunet import COLOURS, YuNet
from pipeline.geometry import Transform, corners_of, eye_distance, overlap
from pipeline.inference import Network
from pipeline.messages import Box, DetectedFace, Image
from pipeline.views import OnHost
from pipeline.warp import warp
from tests.fakes import UPRIGHT, face_at


def yunet(network: Network, longest_side: int | None = None, least_score: float = 0.8) -> YuNet:
    shown = OnHost(network, COLOURS)
    return YuNet(shown, least_score=least_score, most_overlap=0.3, longest_side=longest_side)


@pytest.fixture(scope="session")
def network(test_data: Path) -> Network:
    return Network(test_data / "models" / "yunet_s_dynamic.onnx")


@pytest.fixture(scope="session")
def couple(test_data: Path) -> Image:
    """Two men side by side; the child at the right edge is cut off."""
    picture = cv2.imread(str(test_data / "faces/groups/obama_and_biden.jpg"))
    assert picture is not None
    left = picture[:, :1400]
    return np.asarray(cv2.resize(left, (980, 1000), interpolation=cv2.INTER_AREA), np.uint8)


def test_two_people_are_found_with_their_points_in_their_boxes(
    network: Network, couple: Image
) -> None:
    faces = yunet(network).detect(couple)
    assert len(faces) == 2
    for face in faces:
        left, top, right, bottom = corners_of(face.box)
        assert face.score >= 0.8
        assert face.points.shape == (5, 2)
        assert np.all((face.points > [left, top]) & (face.points < [right, bottom]))
        eyes, mouth = face.points[:2], face.points[3:]
        assert eyes[0, 0] < eyes[1, 0]
        assert mouth[0, 0] < mouth[1, 0]
        assert eyes[:, 1].max() < mouth[:, 1].min()


def test_a_reduced_picture_gives_the_same_faces_in_the_pixels_of_the_full_one(
    network: Network, couple: Image
) -> None:
    full, reduced = yunet(network).detect(couple), yunet(network, 320).detect(couple)
    assert len(full) == len(reduced) == 2
    for face in full:
        shared = max(overlap(corners_of(face.box), corners_of(f.box)) for f in reduced)
        assert shared > 0.7


def test_a_picture_smaller_than_the_limit_is_not_enlarged(network: Network, couple: Image) -> None:
    small = np.asarray(cv2.resize(couple, (320, 200)), np.uint8)
    plain, limited = yunet(network).detect(small), yunet(network, 640).detect(small)
    assert len(plain) == 2
    assert [face.box for face in plain] == [face.box for face in limited]


@pytest.mark.parametrize("shape", [(1, 1), (31, 33), (5, 700), (540, 960)])
def test_any_shape_of_picture_can_be_looked_at(network: Network, shape: tuple[int, int]) -> None:
    assert yunet(network).detect(np.full((*shape, 3), 128, np.uint8)) == []


def test_a_network_of_fixed_size_finds_faces_in_pictures_of_any_shape(
    yunet_graph: Callable[[Path, int | None], Path], tmp_path: Path
) -> None:
    fixed = Network(yunet_graph(tmp_path / "fixed.onnx", 160))
    for shape in ((540, 960), (960, 540), (100, 100)):
        image = np.random.default_rng(7).integers(0, 255, (*shape, 3), dtype=np.uint8)
        faces = yunet(fixed, least_score=0.0).detect(image)
        assert faces
        assert all(np.isfinite(face.points).all() for face in faces)


def test_fixed_and_free_size_agree_where_the_picture_fits_exactly(
    yunet_graph: Callable[[Path, int | None], Path], tmp_path: Path
) -> None:
    """The same weights (one seed), once with a fixed input and once with a free one."""
    image = np.random.default_rng(7).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    fixed, free = (
        yunet(Network(yunet_graph(tmp_path / f"{side}.onnx", side)), least_score=0.0).detect(image)
        for side in (64, None)
    )
    assert len(fixed) == len(free) > 0
    assert fixed[0].box.x == pytest.approx(free[0].box.x, abs=1e-3)


class Nearby:
    """Finds given faces in the close look."""

    def __init__(self, *faces: DetectedFace) -> None:
        self.faces = faces
        self.seen: Image | None = None

    def detect_in(self, image: Image, into: Transform, side: int) -> list[DetectedFace]:
        self.seen = warp(image, into, (side, side))
        return list(self.faces)


FACE = DetectedFace(Box(200, 100, 56, 56), (UPRIGHT * 56 + [200, 100]).astype(np.float32), 0.85)


def test_a_close_look_puts_the_points_back_into_the_whole_picture() -> None:
    """The face fills 1/1.8 of a square of 224 pixels, in its middle."""
    side = 224 / 1.8
    near = face_at((224 - side) / 2, (224 - side) / 2, side, score=0.99)
    found = CloseUp(Nearby(near), margin=1.8, side=224).find(
        np.zeros((400, 600, 3), np.uint8), FACE
    )
    assert found is not None
    assert found.score == 0.85
    assert found.points == pytest.approx(FACE.points, abs=0.6)
    assert found.box.x == pytest.approx(200, abs=0.6)
    assert found.box.width == pytest.approx(56, abs=0.1)


def test_a_close_look_at_another_face_or_none_finds_nothing() -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    assert CloseUp(Nearby(), margin=1.8, side=224).find(image, FACE) is None
    corner = Nearby(face_at(0, 0, 30))
    assert CloseUp(corner, margin=1.8, side=224).find(image, FACE) is None
    assert corner.seen is not None
    assert corner.seen.shape == (224, 224, 3)


def test_a_close_look_finds_the_points_that_a_reduced_picture_misses(
    network: Network, couple: Image
) -> None:
    """As exact as the full picture's, from a detection at a third of the size."""
    full = yunet(network).detect(couple)
    closeup = CloseUp(yunet(network, least_score=0.6), margin=1.8, side=224)
    found = [closeup.find(couple, face) for face in yunet(network, 320).detect(couple)]
    assert len(found) == 2
    for face in found:
        assert face is not None
        nearest = min(full, key=lambda other: abs(other.box.x - face.box.x))
        apart = np.linalg.norm(face.points - nearest.points, axis=1).mean()
        assert apart < 0.1 * eye_distance(nearest.points)
