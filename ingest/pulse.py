"""Whether a camera's pictures still come: noticed within seconds, before its silence ends it."""

import time
from collections.abc import Callable

_MISSED = 10
"""Pictures that may be missing: a key picture takes longer, and a wireless network jams."""
_LEAST, _MOST = 1.0, 4.0
"""Seconds without a picture, whatever the rate is."""
_LEARNT = 0.1
"""Part by which the last interval counts: some twenty pictures make a new rate."""


class Pulse:
    """When a camera's last picture came; ``beat`` and ``begin`` may be called on any thread.

    ``came`` says whether any has since the connection began.

    Args:
        clock: seconds, from anywhere.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """A connection begins: nothing has come, and its rate is not known."""
        self.came = False
        self._latest, self._interval = self._clock(), _MOST / _MISSED

    def beat(self) -> None:
        """A picture came, and can be used."""
        now = self._clock()
        self._interval += _LEARNT * (min(now - self._latest, _MOST) - self._interval)
        self._latest, self.came = now, True

    @property
    def silence(self) -> float:
        """Seconds since the last picture."""
        return self._clock() - self._latest

    @property
    def stalled(self) -> bool:
        """Whether it has been silent for too long."""
        return self.silence > min(max(_MISSED * self._interval, _LEAST), _MOST)
