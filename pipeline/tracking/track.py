"""One face of a camera, as long as it is seen or remembered."""

import math
from dataclasses import dataclass, field

from pipeline.geometry import Corners
from pipeline.messages import Probe, TrackId
from pipeline.tracking.appearance import Alike, Appearance, Likeness
from pipeline.tracking.motion import Motion

_GAP = 0.25
"""Seconds unseen after which whoever continues a track is looked at."""
_AGAIN = 0.2
"""Seconds until a doubt that a look left open is looked at again."""
_UNSURE = 0.5
"""Seconds between looks at faces that go on overlapping each other, leaping, or changing."""


@dataclass(slots=True, eq=False)
class Track:
    """Where a face is, what it looks like, and whether it may be somebody else's by now.

    ``seen_at`` is the moment of its last face, ``asked_at`` that of the last look that was compared
    with those before. ``unsure``: its place tells little at the moment.
    """

    id: TrackId
    motion: Motion
    seen_at: float
    appearance: Appearance = field(default_factory=Appearance)
    doubted: bool = False
    unsure: bool = False
    asked_at: float = -math.inf

    def is_doubted(self, now: float) -> bool:
        """Whether it is to be looked at for that."""
        return self.doubted and now - self.asked_at >= _AGAIN

    def see(self, corners: Corners, now: float, before: float, *, changed: bool) -> None:
        """It has a face in this frame; the frame before was that of the moment ``before``.

        ``changed`` says that the picture shows something else there than before.
        """
        if self.seen_at < before and now - self.seen_at >= _GAP:
            self.doubt()
        elif changed and now - self.asked_at >= _UNSURE:
            self.doubted = True
        self.motion.see(corners, now)
        self.seen_at = now

    def place(self, now: float, *, unsure: bool, changed: bool) -> None:
        """Take note of how much its place tells.

        Doubt begins when that changes, and when it is ``changed`` whose faces are seen of those
        that are unsure: somebody went behind another, or came from there.
        """
        if unsure != self.unsure or (unsure and changed):
            self.doubt()
        elif unsure and now - self.asked_at >= _UNSURE:
            self.doubted = True
        self.unsure = unsure

    def doubt(self) -> None:
        """Have it looked at at once."""
        self.doubted, self.asked_at = True, -math.inf

    def is_unlike(self, probe: Probe, alike: Alike) -> bool:
        """Whether it is in doubt, and ``probe`` shows somebody else."""
        return self.doubted and self.appearance.judge(probe, alike) is Likeness.OTHER

    def look(self, probe: Probe, now: float, alike: Alike) -> bool:
        """Take a look at its face into account; False if it shows somebody else.

        Once may be a bad picture, so that begins a doubt, and does not count.
        """
        likeness = self.appearance.judge(probe, alike)
        if likeness is Likeness.OTHER:
            self.doubt()
            return False
        self.asked_at = now
        if likeness is Likeness.SAME:
            self.appearance.keep(probe)
            self.doubted = False
        return True
