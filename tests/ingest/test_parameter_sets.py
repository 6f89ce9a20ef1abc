"""What x264 writes about a video is read as it was asked for."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import pytest
from av.video.frame import PictureType

from ingest.nal_units import H264, START
from ingest.parameter_sets import SEQUENCE, is_bidirectional, set_id, why_unplayable
from tests.films import numbered_picture


def coded(
    count: int, pix_fmt: str = "yuv420p", **options: str
) -> Sequence[tuple[PictureType, Sequence[bytes]]]:
    """So many pictures' kinds as x264 says, and their NAL units."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = 160, 120, pix_fmt
    codec.time_base, codec.options = Fraction(1, 25), options
    units = []
    for number in range(count):
        picture = av.VideoFrame.from_ndarray(numbered_picture(number), format="bgr24")
        picture.pts = number
        units += [_units(bytes(packet)) for packet in codec.encode(picture)]
    units += [_units(bytes(packet)) for packet in codec.encode(None)]
    decoder = av.CodecContext.create("h264", "r")
    kinds: dict[int | None, int] = {}
    for place, one in enumerate(units):
        packet = av.Packet(b"".join(START + unit for unit in one))
        packet.pts = place
        kinds |= {picture.pts: picture.pict_type for picture in _decoded(decoder, packet)}
    kinds |= {picture.pts: picture.pict_type for picture in _decoded(decoder, None)}
    assert len(kinds) == len(units) == count
    return [(PictureType(kinds[place]), one) for place, one in enumerate(units)]


def _decoded(decoder: av.CodecContext, packet: "av.Packet[Any] | None") -> Sequence[av.VideoFrame]:
    assert isinstance(decoder, av.VideoCodecContext)
    return decoder.decode(packet)


def _units(data: bytes) -> Sequence[bytes]:
    return [unit for unit in data.replace(START, START[1:]).split(START[1:]) if unit]


def sequence(**options: str) -> bytes:
    ((_, units),) = coded(1, **options)
    return next(unit for unit in units if H264.type_of(unit) == SEQUENCE)


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "baseline"},
        {"profile": "main"},
        {"profile": "high"},
        {"profile": "high", "x264-params": "cqm=jvt"},
        {"profile": "high", "level": "5.1", "refs": "4"},
        {"profile": "main", "bf": "0"},
    ],
)
def test_what_browsers_play_passes(options: dict[str, str]) -> None:
    assert why_unplayable(sequence(**options)) == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"profile": "high422", "pix_fmt": "yuv422p"}, "its profile is 122"),
        ({"profile": "high444", "pix_fmt": "yuv444p"}, "its profile is 244"),
        ({"pix_fmt": "yuv420p10le"}, "its profile is 110"),
        ({"pix_fmt": "gray"}, "4:2:0"),
        ({"x264-params": "interlaced=1"}, "interlaced"),
        ({"x264-params": "interlaced=1:cqm=jvt"}, "interlaced"),
    ],
)
def test_what_they_may_not_play_is_named(options: dict[str, str], said: str) -> None:
    assert said in why_unplayable(sequence(**options))


@pytest.mark.parametrize(("progressive", "said"), [("1", ""), ("0", "it is interlaced")])
def test_scaling_lists_and_orders_are_gone_past(progressive: str, said: str) -> None:
    head = bytes([0x67, 100, 0, 40])
    assert why_unplayable(head + _packed(_high_with_lists(progressive))) == said


def _golomb(number: int) -> str:
    return "0" * ((number + 1).bit_length() - 1) + f"{number + 1:b}"


def _high_with_lists(progressive: str) -> str:
    """High, 4:2:0, 8 bits; one scaling list, which ends early; order type 1 with two offsets."""
    head = "".join(map(_golomb, (0, 1, 0, 0))) + "0"
    ending = _golomb(16)  # -8: the rest of the list is 0
    lists = "1" + "1" + ending + "0" * 7
    order = _golomb(0) + _golomb(1) + "0" + "".join(map(_golomb, (0, 0, 2, 3, 4)))
    return head + lists + order + _golomb(1) + "0" + _golomb(9) + _golomb(7) + progressive


def _packed(bits: str) -> bytes:
    bits += "1" + "0" * (-(len(bits) + 1) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


@pytest.mark.parametrize("length", range(8))
def test_one_that_is_cut_off_is_unplayable(length: int) -> None:
    assert why_unplayable(sequence(profile="high")[:length])


def test_b_slices_are_told_from_all_others() -> None:
    pictures = coded(40, bf="2", slices="2", profile="main")
    found = [
        (kind, [is_bidirectional(unit) for unit in units if H264.is_slice(unit)])
        for kind, units in pictures
    ]
    assert {kind for kind, _ in found} == {PictureType.I, PictureType.P, PictureType.B}
    assert [slices for kind, slices in found if set(slices) != {kind is PictureType.B}] == []


def test_what_is_no_whole_slice_is_no_b_slice() -> None:
    assert not is_bidirectional(b"\x41")
    assert not is_bidirectional(b"")


def test_parameter_sets_are_told_apart_by_type_and_number() -> None:
    ((_, units),) = coded(1)
    sets = [set_id(unit) for unit in units if H264.type_of(unit) in (7, 8)]
    assert sets == [(7, 0), (8, 0)]
    assert set_id(b"\x68\x40") == (8, 1)
    assert set_id(b"\x67") == (7, -1)
