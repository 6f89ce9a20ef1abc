"""Who is on which camera now: from names on frames to people who come and go."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from api.live.wire import FrameMessage, LiveMessage, PresenceMessage, RevisionMessage
from pipeline.messages import CameraId, PersonId

_TRACKS = 8
"""The latest tracks of a presence that are remembered: any other one keeps it at a revision."""


@dataclass(slots=True)
class _Present:
    """Somebody on a camera; ``heard_at`` is the clock's time, the others are ``captured_at``."""

    number: int
    name: str | None
    since: float
    last_seen: float
    heard_at: float
    tracks: list[int] = field(default_factory=list)

    def see(self, track: int, frame: FrameMessage, now: float) -> None:
        self.last_seen, self.heard_at = frame.captured_at, now
        if track not in self.tracks:
            self.tracks = [*self.tracks[1 - _TRACKS :], track]


class Presences:
    """Who is present on each camera.

    Somebody enters with the first frame that names her, and leaves when no frame has named her for
    a while: turned heads, short gaps and new tracks in between are no exits. Where the only track
    that named her was somebody else's, her presence is retracted: it never was.

    Args:
        leave_after: seconds without her name after which she has left.
        clock: seconds that only grow.
    """

    def __init__(self, leave_after: float, clock: Callable[[], float]) -> None:
        self._leave_after = leave_after
        self._clock = clock
        self._numbers = count(1)
        self._present: dict[CameraId, dict[PersonId, _Present]] = {}

    def after(self, message: LiveMessage) -> Sequence[PresenceMessage]:
        """Who entered, left or never was there, now that this message is told."""
        match message:
            case FrameMessage():
                return [*self._seen(message), *self._left(CameraId(message.camera))]
            case RevisionMessage():
                return list(self._revised(message))
        return ()

    def overdue(self) -> Sequence[PresenceMessage]:
        """Who has left by now, also on cameras of which nothing comes."""
        return [left for camera in list(self._present) for left in self._left(camera)]

    def present(self, cameras: Collection[CameraId] | None) -> Sequence[PresenceMessage]:
        """Who is there on these cameras (None: all), as if all had entered just now."""
        return [
            _told(camera, person, one, "entered")
            for camera, people in self._present.items()
            if cameras is None or camera in cameras
            for person, one in people.items()
        ]

    def forget(self, people: Collection[PersonId]) -> Sequence[PresenceMessage]:
        """Something of these people was deleted: nobody knows any more that they are there."""
        return [
            _told(camera, None, there.pop(person), "left")
            for camera, there in self._present.items()
            for person in people
            if person in there
        ]

    def forget_camera(self, camera: CameraId) -> None:
        """A camera was deleted, and all that was known of it."""
        self._present.pop(camera, None)

    def _seen(self, frame: FrameMessage) -> Iterator[PresenceMessage]:
        camera, now = CameraId(frame.camera), self._clock()
        for face in frame.faces:
            if face.person is None:
                continue
            people, person = self._present.setdefault(camera, {}), PersonId(face.person)
            is_new = person not in people
            if is_new:
                at = frame.captured_at
                people[person] = _Present(next(self._numbers), face.name, at, at, now)
            people[person].name = face.name
            people[person].see(face.track, frame, now)
            if is_new:
                yield _told(camera, person, people[person], "entered")

    def _left(self, camera: CameraId) -> Sequence[PresenceMessage]:
        people, now = self._present.get(camera, {}), self._clock()
        gone = [who for who, one in people.items() if now - one.heard_at > self._leave_after]
        return [_told(camera, person, people.pop(person), "left") for person in gone]

    def _revised(self, revision: RevisionMessage) -> Iterator[PresenceMessage]:
        """Take back what the track alone had told; another track's word stands."""
        camera, was = CameraId(revision.camera), PersonId(revision.was or "")
        people = self._present.get(camera, {})
        if was not in people or revision.track not in people[was].tracks:
            return
        people[was].tracks.remove(revision.track)
        if not people[was].tracks:
            yield _told(camera, was, people.pop(was), "retracted")


def _told(
    camera: CameraId,
    person: PersonId | None,
    one: _Present,
    change: Literal["entered", "left", "retracted"],
) -> PresenceMessage:
    return PresenceMessage(
        camera=camera,
        presence=one.number,
        change=change,
        person=person,
        name=None if person is None else one.name,
        since=one.since,
        last_seen=one.last_seen,
    )
