"""A camera's own H.264 handed on as it is, where a browser can play it."""

from ingest.media_clock import TICKS
from ingest.nal_units import H264, START, units_of
from ingest.parameter_sets import PICTURE, SEQUENCE, is_bidirectional, set_id, why_unplayable
from ingest.playable import Playable

_PATIENCE = 10 * TICKS
"""From one key picture to the next: for so long a new viewer may see nothing."""


class Passing:
    """One connection's pictures, each key picture with the parameter sets it needs in front.

    ``problem`` says why they cannot be played as they are, empty while they can: what the camera
    announces about B-frames may be missing or wrong, so what counts is what comes.

    Args:
        announced: parameter sets that the camera named before its first picture, in Annex B.
    """

    def __init__(self, announced: bytes) -> None:
        self.problem = ""
        self._sets: dict[tuple[int, int], bytes] = {}
        self._latest = -1
        self._latest_key: int | None = None
        """Media time of the last key picture; of the first picture where none has come yet."""
        self._began = False
        for unit in units_of(announced):
            self._learn(unit)

    def ready(self, unit: bytes, media_time: int, *, key: bool) -> Playable | None:
        """An access unit ready to be played; None where that is not possible, or not yet."""
        types = {self._learn(one) for one in units_of(unit)}
        self._check_time(media_time, key=key)
        if self.problem or not self._began or not self._sets:
            return None
        in_front = b""
        if key and not types >= {SEQUENCE, PICTURE}:
            in_front = b"".join(START + self._sets[which] for which in sorted(self._sets))
        return Playable(media_time, key, False, in_front + unit)

    def _learn(self, unit: bytes) -> int:
        """The type of a NAL unit; what it says of the video is remembered."""
        kind = H264.type_of(unit)
        if kind in (SEQUENCE, PICTURE):
            which = set_id(unit)
            if kind == SEQUENCE and self._sets.get(which) != unit:
                self.problem = self.problem or why_unplayable(unit)
            self._sets[which] = unit
        elif H264.is_slice(unit) and is_bidirectional(unit):
            self.problem = self.problem or "it has B-frames"
        return kind

    def _check_time(self, media_time: int, *, key: bool) -> None:
        if media_time <= self._latest:
            self.problem = self.problem or "its pictures are not in the order they are shown in"
        self._latest = max(self._latest, media_time)
        self._began |= key
        if key or self._latest_key is None:
            self._latest_key = media_time
        elif media_time - self._latest_key > _PATIENCE:
            self.problem = self.problem or "its key pictures are more than 10 s apart"
