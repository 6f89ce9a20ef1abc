"""How a viewer catches up with a camera: when it is sent which picture, and as of which time."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api.playback.feed import TICK, Picture
from ingest.playable import LONGEST_GROUP

_PACE = 5e6
"""Bytes a second at which a kept group is sent: faster than any camera, slow enough for the buffers
of a browser's socket."""
_DECODED = 0.008
"""Seconds between its pictures: Chromium's decoder gives up where more than a few wait for it."""


class Shift(NamedTuple):
    """A picture that is sent as of another time than its own, both in ticks of 90 kHz."""

    sent: int
    media_time: int


@dataclass(frozen=True, slots=True)
class Step:
    """A picture's turn: when it is due, in seconds of the loop's clock."""

    due: float
    shift: Shift


class CatchUp:
    """The plan, made before anything is sent: so the viewer can be told which picture is which."""

    def __init__(self) -> None:
        self._shifts: deque[Shift] = deque(maxlen=2 * LONGEST_GROUP)
        self._steps: deque[Step] = deque()

    @property
    def shifts(self) -> Sequence[Shift]:
        """All that were planned, the latest ones."""
        return tuple(self._shifts)

    def begin(self) -> None:
        """What was planned is not done, and forgotten."""
        self._steps.clear()
        self._shifts.clear()

    def plan(self, pictures: Sequence[Picture], first: int, now: float) -> None:
        """Send these, one after the other, as if they were taken while they are sent.

        Args:
            pictures: in order.
            first: the time as of which the first one is sent.
            now: of the loop's clock, in seconds.
        """
        due, sent = now, first
        for picture in pictures:
            pause = max(_DECODED, len(picture.data) / _PACE)
            due += pause
            shift = Shift(sent, picture.media_time)
            sent += max(1, round(pause / TICK))
            self._shifts.append(shift)
            self._steps.append(Step(due, shift))

    def step(self, picture: Picture) -> Step | None:
        """The turn of a picture, None if it has none: those of earlier ones are over."""
        while self._steps:
            step = self._steps.popleft()
            if step.shift.media_time == picture.media_time:
                return step
        return None
