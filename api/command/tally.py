"""What a watch adds up to."""

import time

from api.live.wire import Appearance, SummaryMessage
from pipeline.messages import PersonId, Result, Status, TrackId


class Tally:
    """Counts results of one camera; the clock runs from when it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._people: dict[PersonId, Appearance] = {}
        self._unknown: set[TrackId] = set()
        self._named: set[TrackId] = set()
        self.frames = 0

    def add(self, result: Result) -> None:
        """Count one more frame."""
        self.frames += 1
        for face in result.faces:
            if face.verdict.person is not None:
                self._named.add(face.face.track)
                self._seen(face.verdict.person, result.captured_at)
            elif face.verdict.status is Status.UNKNOWN:
                self._unknown.add(face.face.track)

    def summary(self) -> SummaryMessage:
        """All of it, so far."""
        return SummaryMessage(
            frames=self.frames,
            seconds=round(self.seconds, 3),
            people=dict(self._people),
            unknown_tracks=len(self._unknown - self._named),
        )

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def _seen(self, person: PersonId, at: float) -> None:
        before = self._people.get(person)
        self._people[person] = Appearance(
            frames=before.frames + 1 if before else 1,
            first_seen=before.first_seen if before else at,
            last_seen=at,
        )
