"""The frame's way: detect, track, describe whoever is due, search, identify."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.errors import Transient
from pipeline.extract import FeatureExtractor
from pipeline.held_names import HeldNames
from pipeline.identify import Identifier
from pipeline.inference import Lanes
from pipeline.messages import (
    Capture,
    Detected,
    Frame,
    PersonId,
    Result,
    TrackedFace,
    TrackId,
    Vector,
)
from pipeline.quality import Flaw
from pipeline.stages import Detector, Gallery, Tracker


class Recognizer:
    """Names the faces of one camera.

    ``detect`` may run for several frames at once; ``identify`` wants them in order, one by one.
    """

    def __init__(
        self,
        lanes: Lanes,
        detector: Detector,
        tracker: Tracker,
        extractor: FeatureExtractor,
        gallery: Gallery,
        identifier: Identifier,
    ) -> None:
        self._lanes = lanes
        self._detector = detector
        self._tracker = tracker
        self._extractor = extractor
        self._gallery = gallery
        self._identifier = identifier
        self._names = HeldNames()
        self._between_frames = asyncio.Lock()

    async def detect(self, capture: Capture) -> Detected:
        """The faces of a picture, which becomes an image only now, in the lane."""
        return await self._lanes.run_ahead(self._detect, capture)

    async def identify(self, detected: Detected) -> Result:
        """Who they are, as far as the frames up to this one tell."""
        async with self._between_frames:
            return await self._identify(detected)

    async def adopt(
        self,
        detector: Detector,
        extractor: FeatureExtractor,
        gallery: Gallery,
        identifier: Identifier,
    ) -> None:
        """Go on with the stages of another pack; returns when the next frame is theirs.

        Tracks stay, and so do names until the new ones have looked.
        """
        async with self._between_frames:
            self._detector, self._extractor = detector, extractor
            self._gallery, self._identifier = gallery, identifier
            self._names.hold()

    async def _identify(self, detected: Detected) -> Result:
        frame = detected.frame
        tracked = self._tracker.update(detected.faces, frame.captured_at)
        self._identifier.forget(tracked.ended)
        self._identifier.inherit(tracked.returned)
        due = self._identifier.due(tracked.faces, frame.captured_at, self._lanes.behind)
        await self._look(frame, due)
        height, width = frame.image.shape[:2]
        return Result(
            camera=frame.camera,
            seq=frame.seq,
            media_time=frame.media_time,
            captured_at=frame.captured_at,
            rtp_timestamp=frame.rtp_timestamp,
            width=width,
            height=height,
            faces=self._names.over(
                self._identifier.decide(tracked.faces), tracked.ended, frame.captured_at
            ),
        )

    def retract(self, person: PersonId) -> None:
        """Forget all that speaks for a person: what was enrolled of her has changed."""
        self._identifier.retract(person)
        self._names.retract(person)

    def _detect(self, capture: Capture) -> Detected:
        frame = capture.frame()
        return Detected(frame, self._detector.detect(frame.image))

    async def _look(self, frame: Frame, faces: Sequence[TrackedFace]) -> None:
        """Compare these faces with the gallery, and give the outcome to their tracks."""
        described = await asyncio.gather(
            *(self._lanes.run(self._extractor.extract, frame.image, face.found) for face in faces)
        )
        vectors: dict[TrackId, Vector] = {}
        for face, outcome in zip(faces, described, strict=True):
            if isinstance(outcome, Flaw):
                self._identifier.observe(face.track, frame.captured_at, outcome)
            else:
                vectors[face.track] = outcome
        if vectors:
            await self._compare(frame, vectors)

    async def _compare(self, frame: Frame, vectors: Mapping[TrackId, Vector]) -> None:
        """Search these tracks' vectors; a gallery that is away names nobody, and stops nothing."""
        try:
            found = await self._gallery.search(np.stack(list(vectors.values())))
        except Transient:
            for track in vectors:
                self._identifier.observe(track, frame.captured_at, Flaw.NOT_COMPARED)
            return
        for track, matches in zip(vectors, found, strict=True):
            self._identifier.observe(track, frame.captured_at, matches)
