"""The names of the pack before, until the one that took its place has looked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipeline.messages import IdentifiedFace, PersonId, Status, TrackId, Verdict

_SECONDS = 2.0
"""So long a name is held: at four frames a second enough for all looks that a verdict counts."""


class HeldNames:
    """Who the tracks of one camera are, over a change of the pack.

    Looks of two packs cannot be compared, so evidence begins anew. A track that had a name keeps it
    until the new looks give one, to it or that one to another, and for two seconds at the most.
    """

    def __init__(self) -> None:
        self._latest: dict[TrackId, Verdict] = {}
        self._held: dict[TrackId, Verdict] = {}
        self._ends: float | None = None

    def hold(self) -> None:
        """Evidence begins anew: hold the names that there are."""
        self._held, self._ends = dict(self._latest), None

    def over(
        self, faces: Sequence[IdentifiedFace], ended: Iterable[TrackId], now: float
    ) -> Sequence[IdentifiedFace]:
        """The faces of a frame with their names, new or held; ``now`` is its moment."""
        if self._ends is None:
            self._ends = now + _SECONDS
        if now > self._ends:
            self._held.clear()
        new = _named(faces)
        people = {verdict.person for verdict in new.values()}
        self._held = {
            track: verdict
            for track, verdict in self._held.items()
            if track not in new and verdict.person not in people
        }
        shown = [self._with_name(face) for face in faces]
        self._remember(shown, ended)
        return shown

    def retract(self, person: PersonId) -> None:
        """Hold this name no more: what was enrolled of the person has changed."""
        for names in (self._latest, self._held):
            for track in [track for track, one in names.items() if one.person == person]:
                del names[track]

    def _with_name(self, face: IdentifiedFace) -> IdentifiedFace:
        held = self._held.get(face.face.track)
        return face if held is None else replace(face, verdict=held)

    def _remember(self, shown: Sequence[IdentifiedFace], ended: Iterable[TrackId]) -> None:
        for track in (*(face.face.track for face in shown), *ended):
            self._latest.pop(track, None)
        self._latest |= _named(shown)


def _named(faces: Sequence[IdentifiedFace]) -> Mapping[TrackId, Verdict]:
    return {face.face.track: face.verdict for face in faces if face.verdict.status is Status.KNOWN}
