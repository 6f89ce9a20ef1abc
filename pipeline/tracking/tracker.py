"""Tracks of one camera: motion first, then appearance for what motion leaves open."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from pipeline.geometry import corners_of
from pipeline.messages import (
    Detected,
    DetectedFace,
    Flaw,
    Followed,
    Look,
    Probe,
    Tracked,
    TrackedFace,
    TrackId,
)
from pipeline.tracking.appearance import Alike
from pipeline.tracking.cuts import Scene
from pipeline.tracking.matching import Pairing, pair
from pipeline.tracking.motion import Motion
from pipeline.tracking.track import Track

_WEAK_OVERLAP = 0.5
"""Intersection over union from which a weak face continues a track (ByteTrack's second round)."""
_LOST = 64
"""Tracks that are remembered; of more the oldest goes."""


class FaceTracker:
    """Faces of one camera, followed by motion and recognized again by appearance.

    Each frame takes two steps. ``follow`` says which tracks the faces continue by their places, and
    whom to look at because that is no proof: who is new while somebody is missing, who was hidden,
    or came near another face. ``settle`` gives the ids when these have been looked at: a face that
    is like a track that is missing gets that one's id; one that is unlike its own gets another, at
    once where there was doubt, else when a second look says the same.

    Args:
        alike: similarities from which faces are of one track, and of two.
        sure_score: detector's score from which a face begins a track; weaker ones only continue.
        least_overlap: intersection over union from which a face continues a track, 0..1.
        keep: seconds that a track is followed by motion without being seen.
        remember: seconds in which a track that was lost can be recognized again.
        after: the last number that was given away before; tracks are numbered from the next one.
    """

    def __init__(
        self,
        alike: Alike,
        *,
        sure_score: float,
        least_overlap: float,
        keep: float,
        remember: float,
        after: int = 0,
    ) -> None:
        self._alike = alike
        self._sure_score = sure_score
        self._least_overlap = least_overlap
        self._keep = keep
        self._remember = remember
        self._last, self._known = after, after
        self._now, self._before = -math.inf, -math.inf
        self._scene = Scene()
        self._live: dict[TrackId, Track] = {}
        self._lost: dict[TrackId, Track] = {}
        self._crowd: set[TrackId] = set()
        self._ended: list[TrackId] = []

    def follow(self, detected: Detected) -> Followed:
        """Which tracks the faces of the next frame continue, as far as their places tell.

        The order is kept, but weak faces come last; those that continue no track are left out, and
        so is what is no face: without a size, or not of numbers.
        """
        self._age(detected.frame.captured_at)
        if self._scene.changed(detected.frame.image):
            self._lose(list(self._live.values()))
        real = [face for face in detected.faces if _is_real(face)]
        sure = [face for face in real if face.score >= self._sure_score]
        weak = [face for face in real if face.score < self._sure_score]
        tracks = self._continued(sure)
        if weak:
            tracks |= self._continued_weakly(weak, tracks.values())
        self._known = self._last
        for face in sure:
            if face not in tracks:
                tracks[face] = track = self._new(Motion(corners_of(face.box), self._now))
                self._live[track.id] = track
        faces = [TrackedFace(tracks[face].id, face) for face in (*sure, *weak) if face in tracks]
        return Followed(faces, self._doubted(faces))

    def settle(self, followed: Followed, looks: Mapping[TrackId, Look]) -> Tracked:
        """The ids of this frame's faces, by what looks at some of them gave."""
        changed = self._rearranged(followed, looks)
        self._last = max(self._known, max(self._live, default=0))  # who was known has no new one
        faces = [
            TrackedFace(changed.get(face.track, face.track), face.found) for face in followed.faces
        ]
        given = {changed.get(track, track): look for track, look in looks.items()}
        counted = {
            track: look
            for track, look in given.items()
            if isinstance(look, Flaw) or self._live[track].look(look, self._now, self._alike)
        }
        ended, self._ended = self._ended, []
        return Tracked(faces, ended, counted)

    def _age(self, now: float) -> None:
        """What was not seen for long is lost, then ends; a clock that went back ends everything."""
        self._before, self._now = self._now, now
        if now < self._before:
            self._ended += [*self._live, *self._lost]
            self._live, self._lost = {}, {}
        self._lose([track for track in self._live.values() if now - track.seen_at > self._keep])
        old = [one for one in self._lost.values() if now - one.seen_at > self._remember]
        self._end([*old, *[one for one in self._lost.values() if one not in old][:-_LOST]])

    def _lose(self, tracks: Sequence[Track]) -> None:
        """Remember these tracks, if there is something to recognize them by."""
        for track in tracks:
            self._lost[track.id] = self._live.pop(track.id)
        self._end([track for track in tracks if not track.appearance])

    def _end(self, tracks: Sequence[Track]) -> None:
        for track in tracks:
            del self._lost[track.id]
            self._ended.append(track.id)

    def _continued(self, faces: Sequence[DetectedFace]) -> dict[DetectedFace, Track]:
        """The faces that continue a track by place, with it."""
        tracks = list(self._live.values())
        found = self._paired(faces, tracks, self._least_overlap, near=True)
        crowd = {tracks[index].id for _, index in found.pairs if index in found.unsure}
        changed, self._crowd = crowd != self._crowd, crowd
        for index, track in enumerate(tracks):
            track.place(self._now, unsure=index in found.unsure, changed=changed)
        return self._seen(found, faces, tracks)

    def _continued_weakly(
        self, faces: Sequence[DetectedFace], but: Iterable[Track]
    ) -> dict[DetectedFace, Track]:
        """The weak faces that continue one of the other tracks."""
        taken = {track.id for track in but}
        tracks = [track for track in self._live.values() if track.id not in taken]
        return self._seen(self._paired(faces, tracks, _WEAK_OVERLAP, near=False), faces, tracks)

    def _paired(
        self, faces: Sequence[DetectedFace], tracks: Sequence[Track], least: float, *, near: bool
    ) -> Pairing:
        boxes = [corners_of(face.box) for face in faces]
        places = [track.motion.at(self._now) for track in tracks]
        return pair(boxes, places, least, near=near)

    def _seen(
        self, found: Pairing, faces: Sequence[DetectedFace], tracks: Sequence[Track]
    ) -> dict[DetectedFace, Track]:
        """Move the paired tracks to their faces."""
        for face, track in found.pairs:
            box = corners_of(faces[face].box)
            changed = self._scene.changed_at(box)
            tracks[track].see(box, self._now, self._before, changed=changed)
        return {faces[face]: tracks[track] for face, track in found.pairs}

    def _new(self, motion: Motion) -> Track:
        self._last += 1
        return Track(TrackId(self._last), motion, self._now)

    def _is_new(self, track: TrackId) -> bool:
        """Whether it was numbered in this frame."""
        return track > self._known

    def _doubted(self, faces: Sequence[TrackedFace]) -> Collection[TrackId]:
        """Who is to be looked at: whose place is no proof, and who is new while one is missing."""
        missing = bool(self._missing({face.track for face in faces}))
        return {
            track
            for track in (face.track for face in faces)
            if (missing if self._is_new(track) else self._live[track].is_doubted(self._now))
        }

    def _missing(self, present: Collection[TrackId]) -> Sequence[Track]:
        """The tracks that have no face in this frame, and can be recognized."""
        unseen = [one for one in self._live.values() if one.id not in present and one.appearance]
        return [*self._lost.values(), *unseen]

    def _rearranged(
        self, followed: Followed, looks: Mapping[TrackId, Look]
    ) -> Mapping[TrackId, TrackId]:
        """Give faces to the tracks that they are like; for each id that changes its new one.

        To be given are new faces, and faces in doubt that are unlike their track. They may be like
        tracks that are missing, and like those of other faces to be given, or in doubt and not
        probed. Whose track it was not, or whose track went to another face, gets a new one.
        """
        probes = {track: look for track, look in looks.items() if isinstance(look, Probe)}
        unlike = {
            track
            for track, probe in probes.items()
            if self._live[track].is_unlike(probe, self._alike)
        }
        held = {track for track in followed.doubted if track not in probes}
        open_ = {track: probes[track] for track in probes if track in unlike or self._is_new(track)}
        if not open_:
            return {}
        free = [*self._missing({face.track for face in followed.faces})]
        free += [self._live[track] for track in sorted(unlike | held)]
        owners = _alike_pairs(open_, free, self._alike.same)
        taken = {track.id for track in owners.values()}
        for track in sorted(unlike | (held & taken)):
            if track not in owners:
                owners[track] = self._new(self._live[track].motion)
        self._hand_over(owners)
        return {track: owner.id for track, owner in owners.items()}

    def _hand_over(self, owners: Mapping[TrackId, Track]) -> None:
        """Give the faces of these tracks to others; who is left without one is missing."""
        motions = {track: self._live[track].motion for track in owners}
        for track in owners:
            left = self._live.pop(track)
            if not self._is_new(track):
                self._lost[track] = left
        for track, owner in owners.items():
            self._lost.pop(owner.id, None)
            self._live[owner.id] = owner
            owner.motion, owner.seen_at = motions[track], self._now
            owner.unsure = False


def _alike_pairs(
    probes: Mapping[TrackId, Probe], tracks: Sequence[Track], least: float
) -> dict[TrackId, Track]:
    """For each probe the track that it is like, the most similar pair first, each once."""
    likely = sorted(
        (-similarity, track, index)
        for track, probe in probes.items()
        for index, one in enumerate(tracks)
        if (similarity := one.appearance.similarity(probe.vector)) >= least
    )
    pairs, given = dict[TrackId, Track](), set[int]()
    for _, track, index in likely:
        if track not in pairs and index not in given:
            pairs[track] = tracks[index]
            given.add(index)
    return pairs


def _is_real(face: DetectedFace) -> bool:
    """Whether its box has a size, and all is told in numbers."""
    box = face.box
    numbers = (box.x, box.y, box.width, box.height, face.score, float(face.points.sum()))
    return box.width > 0 and box.height > 0 and all(map(math.isfinite, numbers))
