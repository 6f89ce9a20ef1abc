"""From a face in a picture to its vector: a close look, quality, align, embed."""

import numpy as np

from pipeline.align import Template, align
from pipeline.detail import enlarged, is_same_view, size_of
from pipeline.errors import BadInput
from pipeline.geometry import eye_distance
from pipeline.messages import Detail, DetectedFace, Flaw, Image, Probe, Vector, no_detail
from pipeline.quality import quality_of, surely_too_small, too_small
from pipeline.stages import Embedder, PointFinder

_SMALL = 1.5
"""Times the least eye distance: below that a face is better cut from a picture of more detail. With
the clips at a third and a fourth of their size, faces of 20 pixels between the eyes and more were
compared alike in both (mean similarities within 0.005)."""


class FeatureExtractor:
    """What is done for each face that is to be named or enrolled; blocks, so it runs in a lane.

    Args:
        points: finds the five points at full resolution.
        template: where the embedder wants them.
        embedder: makes the vector.
        least_eye_distance: in pixels; a smaller face is never judged.
        in_detail: finds the points in such a picture, by the place that the face has in the other.
    """

    def __init__(
        self,
        points: PointFinder,
        template: Template,
        embedder: Embedder,
        least_eye_distance: float,
        in_detail: PointFinder | None = None,
    ) -> None:
        self._points = points
        self._template = template
        self._embedder = embedder
        self._least_eye_distance = least_eye_distance
        self._in_detail = in_detail or points

    def extract(self, image: Image, face: DetectedFace, detail: Detail = no_detail) -> Probe | Flaw:
        """The unit vector of ``face`` and how good its picture is, or why there is none.

        ``detail`` is asked for a larger picture of the same moment where the face is small; where
        there is none, or the face cannot be used there, it is ``image`` that counts.
        """
        if eye_distance(face.points) < _SMALL * self._least_eye_distance:
            larger = detail()
            if larger is not None and is_same_view(size_of(image), size_of(larger)):
                there = enlarged(face, image, larger)
                described = self._described(larger, there, self._in_detail)
                if not isinstance(described, Flaw):
                    return described
        return self._described(image, face, self._points)

    def _described(self, image: Image, face: DetectedFace, points: PointFinder) -> Probe | Flaw:
        if surely_too_small(face, self._least_eye_distance):
            return Flaw.TOO_SMALL
        exact = points.find(image, face)
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
