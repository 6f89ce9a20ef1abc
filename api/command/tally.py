"""What a watch adds up to."""

import time
from collections import defaultdict

from api.live.wire import Appearance, SummaryMessage
from pipeline.messages import PersonId, Result, Status, TrackId


class Tally:
    """Counts results of one camera; the clock runs from when it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._named: dict[TrackId, dict[PersonId, Appearance]] = defaultdict(dict)
        self._unknown: set[TrackId] = set()
        self.frames = 0

    def add(self, result: Result) -> None:
        """Count one more frame; those before that bore a wrong name count where they belong."""
        self.frames += 1
        for revision in result.revisions:
            wrong = self._named[revision.track].pop(revision.was, None)
            if wrong is not None and revision.verdict.person is not None:
                self._count(revision.track, revision.verdict.person, wrong)
        for face in result.faces:
            if face.verdict.person is not None:
                at = result.captured_at
                here = Appearance(frames=1, first_seen=at, last_seen=at)
                self._count(face.face.track, face.verdict.person, here)
            elif face.verdict.status is Status.UNKNOWN:
                self._unknown.add(face.face.track)

    def summary(self) -> SummaryMessage:
        """All of it, so far."""
        people: dict[PersonId, Appearance] = {}
        for named in self._named.values():
            for person, here in named.items():
                people[person] = _joined(people.get(person), here)
        unknown = self._unknown - {track for track, named in self._named.items() if named}
        return SummaryMessage(
            frames=self.frames,
            seconds=round(self.seconds, 3),
            people=people,
            unknown_tracks=len(unknown),
        )

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def _count(self, track: TrackId, person: PersonId, more: Appearance) -> None:
        named = self._named[track]
        named[person] = _joined(named.get(person), more)


def _joined(before: Appearance | None, more: Appearance) -> Appearance:
    if before is None:
        return more
    return Appearance(
        frames=before.frames + more.frames,
        first_seen=min(before.first_seen, more.first_seen),
        last_seen=max(before.last_seen, more.last_seen),
    )
