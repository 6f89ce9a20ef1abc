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
    Flaw,
    Frame,
    Look,
    Moment,
    PersonId,
    Probe,
    Result,
    Tracked,
    TrackedFace,
    TrackId,
)
from pipeline.schedule import Schedule
from pipeline.stages import Detector, Gallery, Tracker


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """What is known of one camera's tracks: where they are, when they were looked at, who it is."""

    tracker: Tracker
    schedule: Schedule
    identifier: Identifier

    def observe(self, face: TrackedFace, now: float, seen: Comparison | Flaw) -> None:
        """Take note of one comparison of a face, or of why there was none."""
        self.identifier.observe(face.track, now, seen)
        self.schedule.looked(face, now, seen)

    def forget(self, tracks: Collection[TrackId]) -> None:
        """These tracks ended."""
        self.schedule.forget(tracks)
        self.identifier.forget(tracks)

    def retract(self, person: PersonId) -> None:
        """Forget all that speaks for a person; whose evidence is less now is looked at anew."""
        self.schedule.forget(self.identifier.retract(person))

    def renew(self) -> None:
        """Something was enrolled: everybody is looked at."""
        self.schedule.forget(self.identifier.renew())


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
        frame, tracks = detected.frame, self._tracks
        followed = tracks.tracker.follow(detected)
        due = tracks.schedule.due(followed, frame.captured_at, self._lanes.behind)
        tracked = tracks.tracker.settle(followed, await self._look(frame, due))
        tracks.forget(tracked.ended)
        await self._compare(frame.captured_at, tracked)
        moment = Moment(frame.seq, frame.media_time, frame.captured_at)
        decided = tracks.identifier.decide(tracked.faces, moment)
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

    def renew(self) -> None:
        """Somebody was enrolled, who may be in sight."""
        self._tracks.renew()

    def _detect(self, capture: Capture) -> Detected:
        frame = capture.frame()
        return Detected(frame, self._detector.detect(frame.image))

    async def _look(self, frame: Frame, faces: Sequence[TrackedFace]) -> Mapping[TrackId, Look]:
        """A close look at each of these faces."""
        looks = await asyncio.gather(
            *(
                self._lanes.run(self._extractor.extract, frame.image, face.found, frame.detail)
                for face in faces
            )
        )
        return {face.track: look for face, look in zip(faces, looks, strict=True)}

    async def _compare(self, now: float, tracked: Tracked) -> None:
        """Search what was looked at; a gallery that is away names nobody, and stops nothing."""
        looks = [
            (face, tracked.looks[face.track])
            for face in tracked.faces
            if face.track in tracked.looks
        ]
        probes = [(face, look) for face, look in looks if isinstance(look, Probe)]
        for face, look in looks:
            if isinstance(look, Flaw):
                self._tracks.observe(face, now, look)
        if not probes:
            return
        try:
            found = await self._gallery.search(np.stack([probe.vector for _, probe in probes]))
        except Transient:
            for face, _ in probes:
                self._tracks.observe(face, now, Flaw.NOT_COMPARED)
            return
        for (face, probe), matches in zip(probes, found, strict=True):
            self._tracks.observe(face, now, Comparison(matches, probe.quality))
