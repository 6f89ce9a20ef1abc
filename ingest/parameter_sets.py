"""What H.264's own headers say of a video: sequence parameter sets, and the heads of slices.

Clause and table numbers are those of ITU-T H.264.
"""

SEQUENCE, PICTURE = 7, 8
"""Types of NAL units: parameter sets of a sequence, of pictures (table 7-1)."""
_PLAYED = {66: "Baseline", 77: "Main", 100: "High"}
"""profile_idc of what every browser plays (RFC 7742, 6.2, asks for the first alone)."""
_HIGH = 100
_CHROMA_420 = 1
_HEAD = 16
"""Bytes of a slice that hold its first two fields, whatever they are."""
_B = 1
"""slice_type modulo 5 (table 7-6)."""


class _Bits:
    """The fields of a NAL unit after its header, in order.

    Raises:
        ValueError: it ends before a field does.
    """

    def __init__(self, unit: bytes) -> None:
        data = unit[1:].replace(b"\x00\x00\x03", b"\x00\x00")  # emulation prevention, 7.3.1
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """u(n): the next bits as a number."""
        self._left -= count
        if self._left < 0:
            raise ValueError("it ends too early")
        return self._value >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """ue(v), 9.1; of se(v) the code number, which is enough to go past it."""
        rest = self._value & ((1 << self._left) - 1)
        zeros = self._left - rest.bit_length()
        self.take(zeros)
        return self.take(zeros + 1) - 1

    def skip(self, fields: int) -> None:
        """Go past so many ue(v) or se(v)."""
        for _ in range(fields):
            self.golomb()


def why_unplayable(sequence: bytes) -> str:
    """Why a browser may not play what this sequence parameter set describes; empty if it may."""
    try:
        return _why_unplayable(_Bits(sequence))
    except ValueError as error:
        return f"its sequence parameter set cannot be read: {error}"


def _why_unplayable(bits: _Bits) -> str:
    """7.3.2.1.1."""
    profile = bits.take(8)
    if profile not in _PLAYED:
        return f"its profile is {profile}; browsers play {', '.join(_PLAYED.values())}"
    bits.take(16)  # constraints, level
    bits.golomb()  # the set's own id
    if profile == _HIGH:
        if bits.golomb() != _CHROMA_420:
            return "its chroma format is not 4:2:0"
        if bits.golomb() or bits.golomb():
            return "it has more than 8 bits"
        bits.take(1)
        _skip_scaling(bits)
    bits.golomb()  # log2_max_frame_num_minus4
    _skip_order(bits)
    bits.golomb()  # max_num_ref_frames
    bits.take(1)
    bits.skip(2)  # width, height
    return "" if bits.take(1) else "it is interlaced"  # frame_mbs_only_flag


def _skip_order(bits: _Bits) -> None:
    """The fields of pic_order_cnt_type."""
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.take(1)
        bits.skip(2)
        bits.skip(bits.golomb())


def _skip_scaling(bits: _Bits) -> None:
    """The scaling matrix, 7.3.2.1.1.1."""
    if not bits.take(1):
        return
    for size in (*[16] * 6, *[64] * 2):
        if bits.take(1):
            _skip_list(bits, size)


def _skip_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            delta = (code + 1) // 2 if code % 2 else -code // 2
            following = (last + delta) % 256
        last = following or last


def is_bidirectional(slice_: bytes) -> bool:
    """Whether it is a B slice, which may need a later picture (7.3.3)."""
    bits = _Bits(slice_[:_HEAD])
    try:
        bits.golomb()  # first_mb_in_slice
        return bits.golomb() % 5 == _B
    except ValueError:
        return False


def set_id(unit: bytes) -> tuple[int, int]:
    """The type of a parameter set and its number among those of its type."""
    bits = _Bits(unit)
    try:
        if unit[0] & 0x1F == SEQUENCE:
            bits.take(24)
        return unit[0] & 0x1F, bits.golomb()
    except ValueError:
        return unit[0] & 0x1F, -1
