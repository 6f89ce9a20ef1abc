"""What a camera's RTCP sender reports tell about its packets: Unix time and RTP timestamps.

FFmpeg lays both beside the packets, from the first report on: ``prft``
(``AVProducerReferenceTime``) has the packet's own time by the camera's clock, ``rtcp_sr``
(``AVRTCPSenderReport``) each new report.
"""

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingest.media_clock import TICKS

if TYPE_CHECKING:
    import av


LATEST = 5.0
"""Seconds that a picture may have been on its way."""
EARLIEST = 0.5
"""Seconds that a picture may seem to come before it was taken: GStreamer sends pictures that wait
for others, with B-frames, ahead of their time. A clock that says more than these has not been
set: the moment of arrival is taken instead."""
_WINDOW = 30.0
"""Seconds: of one to two of these it is known how far the camera's clock seemed to be ahead."""
_CLOCK = struct.Struct("@q")
"""Microseconds of Unix time."""
_REPORT = struct.Struct("@IQI")
"""Synchronization source, NTP time in 2^-32 seconds, RTP timestamp."""
_UNIX_EPOCH = 2_208_988_800
"""NTP counts from 1900 (RFC 5905): seconds from there to 1970."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A picture's media time, when it was taken (Unix seconds), and its RTP timestamp if known.

    ``reported_at`` is when it was taken by the camera's own clock, be that right or wrong; None
    before the camera has reported it.
    """

    media_time: int
    captured_at: float
    rtp_timestamp: int | None
    reported_at: float | None = None


class SenderClock:
    """One stream's clock, as told by its sender reports."""

    def __init__(self) -> None:
        self._report: tuple[int, int] | None = None
        self._skew = Skew()
        self._pts: int | None = None
        self._stamp = Stamp(-1, 0.0, None)

    @property
    def skew(self) -> float | None:
        """How many seconds it is ahead of ours, None before the first report."""
        return self._skew.seconds

    def stamp(self, packet: "av.Packet[Any]", arrived: float, media_time: int) -> Stamp:
        """The stamp of a packet that came at ``arrived``, in Unix seconds.

        Those of one picture (of one pts) have the stamp of its first: to ask each for what lies
        beside it took a tenth of what decoding takes.
        """
        if packet.has_sidedata("rtcp_sr"):
            self._report = _read_report(bytes(packet.get_sidedata("rtcp_sr")))
        if packet.pts is None or packet.pts != self._pts:
            self._pts, self._stamp = packet.pts, self._new_stamp(packet, arrived, media_time)
        return self._stamp

    def _new_stamp(self, packet: "av.Packet[Any]", arrived: float, media_time: int) -> Stamp:
        if not packet.has_sidedata("prft"):
            return Stamp(media_time, arrived, None)
        (clock,) = _CLOCK.unpack_from(bytes(packet.get_sidedata("prft")))
        moment = captured_at(self._skew.corrected(clock / 1e6, arrived), arrived)
        return Stamp(media_time, moment, self._rtp_timestamp(clock), clock / 1e6)

    def _rtp_timestamp(self, clock: int) -> int | None:
        """FFmpeg's own arithmetic backwards; a microsecond is 0.09 ticks, so it is exact."""
        if self._report is None:
            return None
        reported, timestamp = self._report
        return (timestamp + round((clock - reported) * TICKS / 1e6)) % 2**32


class Skew:
    """How far a camera's clock is ahead of ours: ``seconds``, None where nothing is known.

    Pictures seem older by the time they were on their way, which is never negative. So the skew is
    the most by which one seemed to come from the future, of the last half to whole minute.
    """

    def __init__(self) -> None:
        self.seconds: float | None = None
        self._most = self._before = -math.inf
        self._began = 0.0

    def corrected(self, clock: float, arrived: float) -> float:
        """What our clock would have said; one that is nearly right is believed as it is.

        Args:
            clock: what the camera's said when the picture was taken; both in Unix seconds.
            arrived: by ours.
        """
        if arrived - self._began > _WINDOW:
            self._most, self._before, self._began = -math.inf, self._most, arrived
        self._most = max(self._most, clock - arrived)
        ahead = self.seconds = max(self._most, self._before)
        return clock - ahead if abs(ahead) > EARLIEST else clock


def captured_at(clock: float, arrived: float) -> float:
    """The camera's clock if it can be right, else the arrival; all in Unix seconds."""
    return clock if -EARLIEST <= arrived - clock <= LATEST else arrived


def _read_report(report: bytes) -> tuple[int, int]:
    """Unix microseconds, rounded as FFmpeg does, and the RTP timestamp of that moment."""
    _, ntp, timestamp = _REPORT.unpack_from(report)
    seconds, fraction = divmod(ntp, 2**32)
    return (seconds - _UNIX_EPOCH) * 1_000_000 + fraction * 1_000_000 // (2**32 - 1), timestamp
