"""Stand-ins for unit tests: quick, exact, and able to fail on demand."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.messages import (
    Box,
    CameraId,
    Capture,
    DetectedFace,
    Image,
    Match,
    Points,
    TrackedFace,
    TrackId,
    Vectors,
)
from pipeline.tracking.appearance import Alike
from pipeline.tracking.tracker import FaceTracker

UPRIGHT = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
"""Five points of a face that looks ahead, in parts of its box."""


def face_at(x: float, y: float, side: float = 100.0, score: float = 0.9) -> DetectedFace:
    """A frontal face; its eyes are 0.4 sides apart."""
    points: Points = (UPRIGHT * side + np.array([x, y])).astype(np.float32)
    return DetectedFace(Box(x, y, side, side), points, score)


def tracked(track: int, face: DetectedFace | None = None) -> TrackedFace:
    return TrackedFace(TrackId(track), face or face_at(0, 0))


def face_tracker(after: int = 0) -> FaceTracker:
    """A tracker as the shipped settings make it, for a pack with the threshold 0.9."""
    return FaceTracker(
        Alike.of_threshold(0.9),
        sure_score=0.8,
        least_overlap=0.2,
        keep=1.0,
        remember=10.0,
        after=after,
    )


def black() -> Image:
    return np.zeros((48, 64, 3), np.uint8)


def capture(seq: int, paint: Callable[[], Image] = black, rate: float = 10.0) -> Capture:
    return Capture(CameraId("gate"), seq, round(seq * 90_000 / rate), seq / rate, None, paint)


class ScriptedDetector:
    """Finds the same faces in every picture."""

    def __init__(self, faces: Sequence[DetectedFace]) -> None:
        self.faces = faces

    def detect(self, image: Image) -> Sequence[DetectedFace]:  # noqa: ARG002 - the Protocol's
        return self.faces


class MeanColour:
    """An embedder: the direction of a chip's mean colour, so that equal colours are one person."""

    def embed(self, chips: Sequence[Image]) -> Vectors:
        means = np.stack([chip.mean((0, 1)) for chip in chips]).astype(np.float32) + 1e-3
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


class ScriptedGallery:
    """Answers each search with the next entry of a script, the last one for ever."""

    def __init__(self, *script: Sequence[Match]) -> None:
        self._script = list(script)
        self.searches = 0

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        self.searches += 1
        return [self._next() for _ in vectors]

    def _next(self) -> Sequence[Match]:
        return self._script.pop(0) if len(self._script) > 1 else self._script[0]
