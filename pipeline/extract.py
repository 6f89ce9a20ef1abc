"""From a face in a picture to its vector: a close look, quality, align, embed."""

import numpy as np

from pipeline.align import Template, align
from pipeline.errors import BadInput
from pipeline.messages import DetectedFace, Flaw, Image, Probe, Vector
from pipeline.quality import quality_of, surely_too_small, too_small
from pipeline.stages import Embedder, PointFinder


class FeatureExtractor:
    """What is done for each face that is to be named or enrolled; blocks, so it runs in a lane.

    Args:
        points: finds the five points at full resolution.
        template: where the embedder wants them.
        embedder: makes the vector.
        least_eye_distance: in pixels; a smaller face is never judged.
    """

    def __init__(
        self,
        points: PointFinder,
        template: Template,
        embedder: Embedder,
        least_eye_distance: float,
    ) -> None:
        self._points = points
        self._template = template
        self._embedder = embedder
        self._least_eye_distance = least_eye_distance

    def extract(self, image: Image, face: DetectedFace) -> Probe | Flaw:
        """The unit vector of ``face`` and how good its picture is, or why there is none."""
        if surely_too_small(face, self._least_eye_distance):
            return Flaw.TOO_SMALL
        exact = self._points.find(image, face)
        if exact is None:
            return Flaw.NO_POINTS
        if too_small(exact, self._least_eye_distance):
            return Flaw.TOO_SMALL
        return self._embed(image, exact)

    def _embed(self, image: Image, face: DetectedFace) -> Probe | Flaw:
        chip = align(image, face.points, self._template)
        try:
            vector = self._vector(image, face, chip)
        except BadInput:
            return Flaw.NO_VECTOR
        return Probe(vector, quality_of(face, chip))

    def _vector(self, image: Image, face: DetectedFace, chip: Image) -> Vector:  # noqa: ARG002 - a device's way looks there
        """The unit vector of ``face``, which ``chip`` shows aligned."""
        (vector,) = self._embedder.embed([chip])
        return np.asarray(vector)
