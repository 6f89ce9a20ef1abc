"""Films made of the pictures of clips: long ones cost little, as no picture is analysed twice."""

import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import av
import numpy as np

from pipeline.build import Pipeline
from pipeline.extract import FeatureExtractor
from pipeline.messages import (
    Box,
    CameraId,
    Capture,
    Detail,
    DetectedFace,
    Flaw,
    Image,
    Probe,
    Result,
    no_detail,
)
from pipeline.stages import Detector, Gallery
from pipeline.watch import watch

RATE = 12.5
"""Pictures a second of the clips."""


def pictures_of(clip: Path) -> Sequence[Image]:
    """All pictures of a clip."""
    with av.open(str(clip)) as container:
        return [
            np.asarray(one.to_ndarray(format="bgr24"), np.uint8)
            for one in container.decode(video=0)
        ]


def remembering(engine: Pipeline) -> Pipeline:
    """The same line, which looks at a picture it knows no second time."""
    return dataclasses.replace(
        engine, watcher=_Detector(engine.watcher), extractor=_Extractor(engine.extractor)
    )


async def results_of(
    pictures: Sequence[Image], engine: Pipeline, gallery: Gallery
) -> Sequence[Result]:
    """What the line says of a film of these pictures."""
    results = list[Result]()
    await watch(
        _film(pictures), engine.recognizer(gallery), lambda _, result: results.append(result), 4
    )
    return results


async def _film(pictures: Sequence[Image]) -> AsyncIterator[Capture]:
    for seq, picture in enumerate(pictures):
        at = seq / RATE
        yield Capture(CameraId("film"), seq, round(at * 90_000), at, None, _painted(picture))


def _painted(picture: Image) -> Callable[[], Image]:
    return lambda: picture


class _Detector:
    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._known: dict[int, tuple[Image, Sequence[DetectedFace]]] = {}

    def detect(self, image: Image) -> Sequence[DetectedFace]:
        if id(image) not in self._known:  # the picture is kept, so that its id stays its own
            self._known[id(image)] = image, self._detector.detect(image)
        return self._known[id(image)][1]


class _Extractor(FeatureExtractor):
    def __init__(self, extractor: FeatureExtractor) -> None:
        self._extractor = extractor
        self._known: dict[tuple[int, Box], tuple[Image, Probe | Flaw]] = {}

    def extract(self, image: Image, face: DetectedFace, detail: Detail = no_detail) -> Probe | Flaw:
        which = id(image), face.box
        if which not in self._known:
            self._known[which] = image, self._extractor.extract(image, face, detail)
        return self._known[which][1]
