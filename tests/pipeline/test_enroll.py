from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.align import Template
from pipeline.detect.closeup import AsDetected
from pipeline.enroll import Enroller
from pipeline.errors import BadInput
from pipeline.extract import FeatureExtractor
from pipeline.inference import Lanes
from pipeline.messages import DetectedFace
from tests.fakes import UPRIGHT, MeanColour, ScriptedDetector, face_at

PHOTOGRAPH = np.full((200, 200, 3), 90, np.uint8)


def enroller(*faces: DetectedFace) -> Enroller:
    detector: ScriptedDetector = ScriptedDetector(faces)
    extractor = FeatureExtractor(
        AsDetected(), Template(UPRIGHT * 112, (112, 112)), MeanColour(), 16
    )
    return Enroller(Lanes(1), detector, extractor, 16)


async def refusal(*faces: DetectedFace) -> str:
    with pytest.raises(BadInput) as error:
        await enroller(*faces).portrait(PHOTOGRAPH)
    return str(error.value)


async def test_one_good_face_makes_a_unit_vector() -> None:
    portrait = await enroller(face_at(50, 50)).portrait(PHOTOGRAPH)
    assert portrait.template.shape == (3,)
    assert np.linalg.norm(portrait.template) == pytest.approx(1)
    assert portrait.crop.shape == (256, 256, 3)
    assert portrait.crop[128, 128].tolist() == [90, 90, 90]


async def test_a_photograph_without_a_face_is_refused() -> None:
    assert "no face" in await refusal()


async def test_a_photograph_of_several_people_is_refused_with_their_number() -> None:
    assert "2 faces" in await refusal(face_at(0, 0), face_at(100, 0))


async def test_a_face_too_small_is_refused_with_what_is_allowed() -> None:
    assert "16 pixels between the eyes" in await refusal(face_at(50, 50, side=30))


async def test_small_faces_in_the_background_do_not_count() -> None:
    faces: Sequence[DetectedFace] = [face_at(0, 0, side=60), face_at(0, 0, 200), face_at(9, 9, 12)]
    assert (await enroller(*faces).portrait(PHOTOGRAPH)).template.shape == (3,)
