"""Small faces, cut from a larger picture of the same moment."""

import cv2
import numpy as np
import pytest

from pipeline.align import Template
from pipeline.detail import enlarged, is_same_view
from pipeline.detect.closeup import AsDetected
from pipeline.extract import FeatureExtractor
from pipeline.geometry import eye_distance
from pipeline.messages import DetectedFace, Flaw, Image, Probe
from tests.fakes import UPRIGHT, MeanColour, face_at

LEAST = 16.0
RED, BLUE = (0, 0, 255), (255, 0, 0)


def plain(width: int, height: int, colour: tuple[int, int, int] = BLUE) -> Image:
    return np.full((height, width, 3), colour, np.uint8)


class Lost:
    """A close look that sees no face in a picture of this width."""

    def __init__(self, width: int) -> None:
        self._width = width

    def find(self, image: Image, face: DetectedFace) -> DetectedFace | None:
        return None if image.shape[1] == self._width else face


def extractor(in_detail: Lost | None = None) -> FeatureExtractor:
    template = Template((UPRIGHT * 32).astype(np.float32), (32, 32))
    return FeatureExtractor(AsDetected(), template, MeanColour(), LEAST, in_detail)


def colour_of(look: Probe | Flaw) -> str:
    assert isinstance(look, Probe)
    return ("blue", "green", "red")[int(look.vector.argmax())]


def test_a_face_too_small_to_be_judged_is_judged_by_the_detail() -> None:
    face = face_at(20, 20, side=30)  # its eyes are 12 apart, and 48 in detail
    small, large = plain(160, 90), plain(640, 360, RED)
    assert extractor().extract(small, face) is Flaw.TOO_SMALL
    assert colour_of(extractor().extract(small, face, lambda: large)) == "red"


def test_where_there_is_no_detail_the_analysed_picture_counts() -> None:
    face = face_at(20, 20, side=50)
    assert colour_of(extractor().extract(plain(160, 90), face, lambda: None)) == "blue"


@pytest.mark.parametrize("side", [61, 200])
def test_for_a_large_face_no_detail_is_asked_for(side: int) -> None:
    def never() -> Image:
        raise AssertionError("a picture was made that nobody needs")

    vector = extractor().extract(plain(480, 270), face_at(20, 20, side=side), never)
    assert colour_of(vector) == "blue"


def test_where_the_face_is_not_seen_in_detail_the_analysed_picture_counts() -> None:
    face, large = face_at(20, 20, side=50), plain(640, 360, RED)
    vector = extractor(Lost(640)).extract(plain(160, 90), face, lambda: large)
    assert colour_of(vector) == "blue"


@pytest.mark.parametrize(
    ("size", "used"),
    [
        ((1920, 1080), True),
        ((1280, 720), True),
        ((640, 352), False),
        ((320, 176), False),
        ((1280, 1024), False),
        ((704, 576), False),
    ],
)
def test_only_a_larger_picture_of_the_same_proportions_is_used(
    size: tuple[int, int], used: bool
) -> None:
    assert is_same_view((640, 352), size) == used


def test_a_face_lies_in_the_larger_picture_where_it_is_seen() -> None:
    small, large = plain(480, 270), plain(1920, 1080)
    face = face_at(100, 50, side=40)
    cv2.rectangle(large, (400, 200), (560, 360), RED, -1)
    there = enlarged(face, small, large)
    box = there.box
    assert (box.x, box.y, box.width, box.height) == (400, 200, 160, 160)
    assert eye_distance(there.points) == pytest.approx(4 * eye_distance(face.points))
    assert there.points.dtype == np.float32
    assert colour_of(extractor().extract(small, face, lambda: large)) == "red"
