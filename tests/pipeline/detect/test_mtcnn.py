"""The builtin pack's detector on two public portraits."""

import cv2
import numpy as np
import pytest

from api.command.film import COLLINS, HOPPER, portrait
from pipeline.detect.mtcnn import Cascade, Mtcnn
from pipeline.geometry import corners_of, eye_distance, overlap
from pipeline.inference import Network
from pipeline.messages import Box, Image
from pipeline.packs.manifest import load_manifest
from pipeline.packs.pack import open_pack
from pipeline.photographs import read_photograph


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Cascade:
    pack = open_pack(load_manifest("builtin"), tmp_path_factory.mktemp("cache"), lambda *_: None)
    return Cascade(*(Network(pack.networks[role]) for role in ("proposal", "refinement", "output")))


def mtcnn(networks: Cascade, least_face: int = 40) -> Mtcnn:
    return Mtcnn(networks, least_face=least_face, least_scores=(0.6, 0.7, 0.9))


@pytest.fixture(params=[COLLINS, HOPPER])
def picture(request: pytest.FixtureRequest) -> Image:
    return read_photograph(portrait(request.param))


def test_a_portrait_has_one_face_with_its_points_in_place(
    networks: Cascade, picture: Image
) -> None:
    (face,) = mtcnn(networks).detect(picture)
    left, top, right, bottom = corners_of(face.box)
    assert face.score > 0.95
    assert np.all((face.points > [left, top]) & (face.points < [right, bottom]))
    (left_eye, right_eye, nose, *mouth) = face.points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth[0][1], mouth[1][1])
    assert 0.3 < eye_distance(face.points) / face.box.width < 0.6


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_the_same_face_is_found_at_every_size(
    networks: Cascade, picture: Image, scale: float
) -> None:
    (face,) = mtcnn(networks).detect(picture)
    resized = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale), np.uint8)
    (other,) = mtcnn(networks).detect(resized)
    box = other.box
    back = Box(box.x / scale, box.y / scale, box.width / scale, box.height / scale)
    assert overlap(corners_of(face.box), corners_of(back)) > 0.7


def test_a_face_smaller_than_the_least_is_not_looked_for(networks: Cascade) -> None:
    small = cv2.resize(read_photograph(portrait(COLLINS)), (160, 160))
    assert len(mtcnn(networks, least_face=20).detect(np.asarray(small, np.uint8))) == 1
    assert list(mtcnn(networks, least_face=80).detect(np.asarray(small, np.uint8))) == []


@pytest.mark.parametrize("shape", [(1, 1), (5, 700), (40, 40), (540, 960)])
def test_a_picture_without_a_face_has_none_whatever_its_shape(
    networks: Cascade, shape: tuple[int, int]
) -> None:
    assert list(mtcnn(networks).detect(np.full((*shape, 3), 128, np.uint8))) == []


def test_pictures_of_noise_do_no_harm(networks: Cascade) -> None:
    noise = np.random.default_rng(5).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    assert list(mtcnn(networks).detect(noise)) == []
