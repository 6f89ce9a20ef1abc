"""The frame's way: detect, track, describe whoever is due, search, identify."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.errors import Transient
from pipeline.extract import FeatureExtractor
from pipeline.identify import Identifier
from pipeline.inference import Lanes
from pipeline.messages import (
    Capture,
    Comparison,
    Detected,
    Frame,
    Moment,
    PersonId,
    Probe,
    Result,
    TrackedFace,
    TrackId,
)
from pipeline.quality import Flaw
from pipeline.schedule import Schedule
from pipeline.stages import Detector, Gallery, Tracker


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """What is known of one camera's tracks: where they are, when they were looked at, who it is."""

    tracker: Tracker
    schedule: Schedule
    identifier: Identifier

    def observe(self, track: TrackId, now: float, seen: Comparison | Flaw) -> None:
        """Take note of one comparison, or of why there was none."""
        self.schedule.looked(track, now, seen)
        self.identifier.observe(track, now, seen)

    def forget(self, tracks: Collection[TrackId]) -> None:
        """These tracks ended."""
        self.schedule.forget(tracks)
        self.identifier.forget(tracks)

    def retract(self, person: PersonId) -> None:
        """Forget all that speaks for a person; whose evidence is less now is looked at anew."""
        self.schedule.forget(self.identifier.retract(person))


class Recognizer:
    """Names the faces of one camera.

    ``detect`` may run for several frames at once; ``identify`` wants them in order, one by one.
    """

    def __init__(
        self,
        lanes: Lanes,
        detector: Detector,
        extractor: FeatureExtractor,
        gallery: Gallery,
        tracks: Tracks,
    ) -> None:
        self._lanes = lanes
        self._detector = detector
        self._extractor = extractor
        self._gallery = gallery
        self._tracks = tracks

    async def detect(self, capture: Capture) -> Detected:
        """The faces of a picture, which becomes an image only now, in the lane."""
        return await self._lanes.run_ahead(self._detect, capture)

    async def identify(self, detected: Detected) -> Result:
        """Who they are, as far as the frames up to this one tell."""
        frame = detected.frame
        tracked = self._tracks.tracker.update(detected.faces, frame.captured_at)
        self._tracks.forget(tracked.ended)
        due = self._tracks.schedule.due(tracked.faces, frame.captured_at, self._lanes.behind)
        await self._look(frame, due)
        moment = Moment(frame.seq, frame.media_time, frame.captured_at)
        decided = self._tracks.identifier.decide(tracked.faces, moment)
        height, width = frame.image.shape[:2]
        return Result(
            camera=frame.camera,
            seq=frame.seq,
            media_time=frame.media_time,
            captured_at=frame.captured_at,
            rtp_timestamp=frame.rtp_timestamp,
            width=width,
            height=height,
            faces=decided.faces,
            revisions=decided.revisions,
        )

    def retract(self, person: PersonId) -> None:
        """Forget all that speaks for a person: what was enrolled of her has changed."""
        self._tracks.retract(person)

    def _detect(self, capture: Capture) -> Detected:
        frame = capture.frame()
        return Detected(frame, self._detector.detect(frame.image))

    async def _look(self, frame: Frame, faces: Sequence[TrackedFace]) -> None:
        """Compare these faces with the gallery, and give the outcome to their tracks."""
        described = await asyncio.gather(
            *(self._lanes.run(self._extractor.extract, frame.image, face.found) for face in faces)
        )
        probes: dict[TrackId, Probe] = {}
        for face, outcome in zip(faces, described, strict=True):
            if isinstance(outcome, Flaw):
                self._tracks.observe(face.track, frame.captured_at, outcome)
            else:
                probes[face.track] = outcome
        if probes:
            await self._compare(frame, probes)

    async def _compare(self, frame: Frame, probes: Mapping[TrackId, Probe]) -> None:
        """Search what these tracks look like; a gallery that is away stops nothing."""
        try:
            found = await self._gallery.search(np.stack([one.vector for one in probes.values()]))
        except Transient:
            for track in probes:
                self._tracks.observe(track, frame.captured_at, Flaw.NOT_COMPARED)
            return
        for (track, probe), matches in zip(probes.items(), found, strict=True):
            seen = Comparison(matches, probe.quality)
            self._tracks.observe(track, frame.captured_at, seen)
