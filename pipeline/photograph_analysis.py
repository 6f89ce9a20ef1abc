"""All faces of one picture, without a track: what was found, and what each looks like."""

import asyncio
from collections.abc import Sequence

from pipeline.extract import FeatureExtractor
from pipeline.inference import Lanes
from pipeline.messages import DetectedFace, Flaw, Image, Probe
from pipeline.photographs import read_photograph
from pipeline.stages import Detector


class PhotographAnalyzer:
    """Looks at single pictures with the stages that the cameras use."""

    def __init__(self, lanes: Lanes, detector: Detector, extractor: FeatureExtractor) -> None:
        self._lanes = lanes
        self._detector = detector
        self._extractor = extractor

    async def read(self, data: bytes) -> Image:
        """The picture in a file's bytes.

        Raises:
            BadInput: as of ``read_photograph``.
        """
        return await self._lanes.run(read_photograph, data)

    async def detect(self, picture: Image) -> Sequence[DetectedFace]:
        """The faces, best score first."""
        return await self._lanes.run(self._detector.detect, picture)

    async def extract(
        self, picture: Image, faces: Sequence[DetectedFace]
    ) -> Sequence[Probe | Flaw]:
        """For each face what it looks like, or why that cannot be told."""
        return await asyncio.gather(
            *(self._lanes.run(self._extractor.extract, picture, face) for face in faces)
        )
