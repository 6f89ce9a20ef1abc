"""Many photographs become templates; what is wrong with one harms no other."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.align import Template
from pipeline.detect.closeup import AsDetected
from pipeline.enroll import Enroller
from pipeline.errors import Fatal
from pipeline.evaluation.photographs import templates_of
from pipeline.extract import FeatureExtractor
from pipeline.inference import Lanes
from pipeline.messages import DetectedFace, Image
from tests.fakes import UPRIGHT, MeanColour, ScriptedDetector, face_at


def enroller(detector: ScriptedDetector) -> Enroller:
    template = Template((UPRIGHT * 64).astype(np.float32), (64, 64))
    extractor = FeatureExtractor(AsDetected(), template, MeanColour(), 16)
    return Enroller(Lanes(2), detector, extractor, 16)


def painted(path: Path, colour: tuple[int, int, int]) -> Path:
    cv2.imwrite(str(path), np.full((120, 120, 3), colour, np.uint8))
    return path


async def test_each_photograph_has_its_template_or_the_reason_why_not(tmp_path: Path) -> None:
    blue, red = (painted(tmp_path / f"{c}.png", c) for c in ((200, 1, 1), (1, 1, 200)))
    text = tmp_path / "text.png"
    text.write_text("no picture")
    told = list[tuple[int, int]]()
    found = await templates_of(
        [blue, text, red], enroller(ScriptedDetector([face_at(10, 10)])), lambda *n: told.append(n)
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert isinstance(found[text], str)
    assert np.argmax(found[blue]) == 0
    assert np.argmax(found[red]) == 2


class Broken(ScriptedDetector):
    def detect(self, image: Image) -> list[DetectedFace]:
        raise Fatal(f"broken {image.shape}")


async def test_what_breaks_a_network_ends_it_as_it_is(tmp_path: Path) -> None:
    one = painted(tmp_path / "one.png", (1, 1, 1))
    with pytest.raises(Fatal, match="broken"):
        await templates_of([one], enroller(Broken([])), lambda *_: None)
