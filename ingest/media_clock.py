"""Where a camera's pictures lie in its video: the numbers by which results and video meet.

A media time is a whole number of 90 kHz ticks, RTP's for every video codec here. A connection's
first picture is placed by the wall clock, floor(Unix time * 90000), and those after it by the
camera's own pts. So the numbers grow over connections, shards and programs without any memory.
"""

TICKS = 90_000
"""A second of RTP time (RFC 6184, RFC 7798, RFC 2435)."""
_LEAP = 10 * TICKS
"""A step between two packets' pts that no video makes: the camera began to count anew. Pictures
that wait for others go back, too, but by 16 pictures at the most (H.264, H.265)."""


class MediaClock:
    """One camera's media times, over all its connections; ``at`` is for one thread at a time."""

    def __init__(self) -> None:
        self.latest = -1
        """The greatest that was given so far."""
        self._after = -1
        self._anchor = self._before = 0
        self._runs = False

    def skip(self, media_time: int) -> None:
        """Go on after this one at least: that much was told before, elsewhere. On any thread."""
        self._after = max(self._after, media_time)

    def begin(self) -> None:
        """A connection begins: its pts have nothing to do with those before."""
        self._runs = False

    def at(self, pts: int | None, arrived: float) -> int:
        """The media time of a packet; the same for all packets of a picture.

        It is greater than all before a connection or a leap of the pts. Without a pts the packet
        counts as one tick after the latest.

        Args:
            pts: of the packet, in ticks; None where that is not known.
            arrived: in Unix seconds.
        """
        if pts is None:
            return self._given(self.latest + 1 if self._runs else self._now(arrived))
        if not self._runs or abs(pts - self._before) > _LEAP:
            self._anchor = self._now(arrived) - pts
            self._runs = True
        self._before = pts
        return self._given(self._anchor + pts)

    def _now(self, arrived: float) -> int:
        return max(int(arrived * TICKS), self.latest + 1, self._after + 1)

    def _given(self, media_time: int) -> int:
        self.latest = max(self.latest, media_time)
        return media_time
