"""How the NAL units of H.264 and H.265 are told apart: H.264 table 7-1, H.265 table 7-1."""

from collections.abc import Callable, Sequence
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
    disposable: Callable[[int], bool]
    """Whether a slice of this first byte is of a picture that no other one needs."""

    def type_of(self, unit: bytes) -> int:
        """The type of a unit; -1 if it is empty."""
        return unit[0] >> self.shift & self.mask if unit else -1

    def is_slice(self, unit: bytes) -> bool:
        """Whether it is a part of a picture itself."""
        return self.type_of(unit) in self.slices

    def is_key(self, unit: bytes) -> bool:
        """Whether it is a part of a picture that needs no other."""
        return self.type_of(unit) in self.keys

    def is_disposable(self, slice_: bytes) -> bool:
        """Whether it is a part of a picture that no other one needs."""
        return self.disposable(slice_[0])

    def is_first(self, slice_: bytes) -> bool:
        """Whether a slice is the first one of its picture.

        The payload's first bit says so: in H.264 as first_mb_in_slice, which is 0 then, in H.265
        as first_slice_segment_in_pic_flag.
        """
        return len(slice_) > self.header and slice_[self.header] >= 0x80  # noqa: PLR2004 - a bit


H264 = Syntax(
    shift=0,
    mask=0x1F,
    header=1,
    slices=frozenset({1, 5}),
    keys=frozenset({5}),
    disposable=lambda head: not head & 0x60,  # nal_ref_idc
)
H265 = Syntax(
    shift=1,
    mask=0x3F,
    header=2,
    slices=frozenset(range(32)),
    keys=frozenset(range(16, 24)),
    disposable=lambda _: False,  # "no reference" holds within a temporal layer only
)


def units_of(payload: bytes) -> Sequence[bytes]:
    """The units that begin in an RTP payload as FFmpeg gives it; none if it continues one."""
    return payload.split(START)[1:] if payload.startswith(START) else []
