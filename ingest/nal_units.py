"""How the NAL units of H.264 and H.265 are told apart.

Numbers: H.264 table 7-1 and 7.4.1.2.3, H.265 table 7-1 and 7.4.2.4.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

START = b"\x00\x00\x00\x01"
"""What FFmpeg writes before every unit it got by RTP; no unit can have it inside."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """A codec's unit types; a type is ``first byte >> shift & mask``."""

    shift: int
    mask: int
    header: int
    """Bytes before a unit's payload."""
    slices: frozenset[int]
    """Parts of a picture itself."""
    keys: frozenset[int]
    """Slices of pictures that need no other picture."""
    trailing: frozenset[int]
    """What is no slice, and may yet follow a picture's slices and belong to it."""

    def type_of(self, unit: bytes) -> int:
        """The type of a unit; -1 if it is empty."""
        return unit[0] >> self.shift & self.mask if unit else -1

    def is_slice(self, unit: bytes) -> bool:
        """Whether it is a part of a picture itself."""
        return self.type_of(unit) in self.slices

    def is_key(self, unit: bytes) -> bool:
        """Whether it is a part of a picture that needs no other."""
        return self.type_of(unit) in self.keys

    def begins_picture(self, unit: bytes) -> bool:
        """Whether the unit, coming after slices of one picture, belongs to the next one."""
        if self.is_slice(unit):  # the first bit: first_mb_in_slice is 0, or H.265's own flag
            return len(unit) > self.header and unit[self.header] >= 0x80  # noqa: PLR2004
        return self.type_of(unit) not in self.trailing


H264 = Syntax(
    shift=0,
    mask=0x1F,
    header=1,
    slices=frozenset({1, 5}),
    keys=frozenset({5}),
    trailing=frozenset({2, 3, 4, 10, 11, 12, 19, 20, 21}),
)
H265 = Syntax(
    shift=1,
    mask=0x3F,
    header=2,
    slices=frozenset(range(32)),
    keys=frozenset(range(16, 24)),
    trailing=frozenset({36, 37, 38, 40, 45, 46, 47}),
)


def units_of(payload: bytes) -> Sequence[bytes]:
    """The units that begin in an RTP payload as FFmpeg gives it; none if it continues one."""
    return payload.split(START)[1:] if payload.startswith(START) else []
