"""Nothing outside of the region is looked at, and what is found lies where it is in the picture."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.detect.region import WHOLE, WithinRegion
from pipeline.messages import Box, DetectedFace, Image
from tests.fakes import face_at


class Brightest:
    """Finds one face, at the brightest pixel, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Image] = []

    def detect(self, image: Image) -> Sequence[DetectedFace]:
        self.shown.append(image)
        row, column = np.unravel_index(image[..., 0].argmax(), image.shape[:2])
        return [face_at(float(column), float(row), side=10)] if image.max() else []


def picture(row: int, column: int, height: int = 100, width: int = 200) -> Image:
    image = np.zeros((height, width, 3), np.uint8)
    image[row, column] = 255
    return image


@pytest.mark.parametrize(
    ("region", "shape"),
    [
        (WHOLE, (100, 200)),
        (Box(0.5, 0, 0.5, 1), (100, 100)),
        (Box(0.25, 0.3, 0.5, 0.4), (40, 100)),
        (Box(0.999, 0.999, 0.001, 0.001), (1, 1)),
        (Box(0, 0, 0.001, 0.001), (1, 1)),
        (Box(0.1, 0.1, 0.9, 0.9), (90, 180)),
    ],
)
def test_the_detector_sees_the_region_alone(region: Box, shape: tuple[int, int]) -> None:
    within = Brightest()
    WithinRegion(within, lambda: region).detect(picture(0, 0))
    assert [image.shape[:2] for image in within.shown] == [shape]


def test_faces_lie_where_they_are_in_the_whole_picture() -> None:
    region = Box(0.5, 0.2, 0.5, 0.8)
    (face,) = WithinRegion(Brightest(), lambda: region).detect(picture(60, 150))
    assert (face.box.x, face.box.y, face.box.width) == (150, 60, 10)
    assert np.allclose(face.points, face_at(150, 60, side=10).points)
    assert face.points.dtype == np.float32


def test_what_lies_outside_is_not_found_and_the_region_may_change() -> None:
    region = [Box(0.5, 0, 0.5, 1)]
    detector = WithinRegion(Brightest(), lambda: region[0])
    assert detector.detect(picture(60, 20)) == []
    region[0] = Box(0, 0, 0.5, 1)
    (face,) = detector.detect(picture(60, 20))
    assert (face.box.x, face.box.y) == (20, 60)
