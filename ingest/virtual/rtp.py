"""RTP and RTCP as a camera sends them: RFC 3550, RFC 6184, interleaved into RTSP (RFC 2326)."""

import secrets
import struct
from collections.abc import Iterator, Sequence

CLOCK_RATE = 90_000
"""RTP ticks a second."""
PAYLOAD_TYPE = 96
RTP_CHANNEL, RTCP_CHANNEL = 0, 1
_VERSION = 0x80
_MARKER = 0x80
_SENDER_REPORT = 200
_UNIX_EPOCH = 2_208_988_800
"""Seconds from 1900, where NTP begins, to 1970."""
_LARGEST = 1400
"""Bytes of a packet's payload."""
_FU_A = 28


class RtpStream:
    """What one client is sent of one video: it numbers and counts the packets."""

    def __init__(self) -> None:
        self._source = secrets.randbits(32)
        self._sequence = secrets.randbits(16)
        self._packets = self._octets = 0

    def picture(self, units: Sequence[bytes], timestamp: int) -> bytes:
        """A picture's packets, ready to be written."""
        payloads = [payload for unit in units for payload in _payloads(unit)]
        packets = [
            self._packet(payload, timestamp, last=index == len(payloads))
            for index, payload in enumerate(payloads, 1)
        ]
        return b"".join(packets)

    def report(self, unix_time: float, timestamp: int) -> bytes:
        """A sender report: at ``unix_time`` the RTP clock stood at ``timestamp``."""
        seconds = int(unix_time)
        fraction = int((unix_time - seconds) * 2**32)
        words = (self._source, seconds + _UNIX_EPOCH, fraction, timestamp % 2**32)
        counts = (self._packets % 2**32, self._octets % 2**32)
        report = struct.pack(">BBH6I", _VERSION, _SENDER_REPORT, 6, *words, *counts)
        return _interleaved(RTCP_CHANNEL, report)

    def _packet(self, payload: bytes, timestamp: int, *, last: bool) -> bytes:
        kind = PAYLOAD_TYPE | (_MARKER if last else 0)
        stamp = timestamp % 2**32
        head = struct.pack(">BBHII", _VERSION, kind, self._sequence, stamp, self._source)
        self._sequence = (self._sequence + 1) % 2**16
        self._packets += 1
        self._octets += len(payload)
        return _interleaved(RTP_CHANNEL, head + payload)


def _payloads(unit: bytes) -> Iterator[bytes]:
    """A NAL unit as it is, or in fragments (FU-A) if it is too long."""
    if len(unit) <= _LARGEST:
        yield unit
        return
    room = _LARGEST - 2
    for begin in range(1, len(unit), room):
        edge = (0x80 if begin == 1 else 0) | (0x40 if begin + room >= len(unit) else 0)
        head = bytes([unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F | edge])
        yield head + unit[begin : begin + room]


def _interleaved(channel: int, packet: bytes) -> bytes:
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet
