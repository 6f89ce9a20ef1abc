"""Payloads here are as FFmpeg gives them: a start code before each unit, none in a continuation."""

from collections.abc import Iterator, Sequence

import pytest

from ingest.access_units import AccessUnit, NalUnits, Need, WholePictures
from ingest.nal_units import H264, H265, Syntax

START = b"\x00\x00\x00\x01"
FULL = 100
"""Bytes of a unit that a full packet carries, in these streams."""
SETS = {H264: b"\x67sps" + START + b"\x68pps", H265: b"\x40\x01v" + START + b"\x42\x01s"}
SUFFIX = {H264: b"\x0cfiller", H265: b"\x50\x01suffix"}
SYNTAXES = pytest.mark.parametrize("syntax", [H264, H265], ids=["H.264", "H.265"])


def a_slice(syntax: Syntax, *, key: bool, first: bool) -> bytes:
    """A slice's head: its unit header and the byte that says whether it is the first one."""
    header = {H264: b"\x65" if key else b"\x41", H265: b"\x26\x01" if key else b"\x02\x01"}
    return header[syntax] + (b"\x9a" if first else b"\x1a")


def packets(syntax: Syntax, sizes: Sequence[int], *, key: bool) -> list[bytes]:
    """A picture's payloads: slices of these sizes, cut where a packet is full."""
    made = [START + SETS[syntax]] if key else []
    for index, size in enumerate(sizes):
        head = a_slice(syntax, key=key, first=index == 0)
        unit = head + b"x" * (size - len(head))
        cut = FULL + syntax.header
        made.append(START + unit[:cut])
        made += [unit[begin : begin + FULL] for begin in range(cut, len(unit), FULL)]
    return made


def film(
    syntax: Syntax, count: int, sizes: Sequence[int] = (250,), key_every: int = 5
) -> Iterator[list[bytes]]:
    for number in range(count):
        yield packets(syntax, sizes, key=number % key_every == 0)


def run(syntax: Syntax, pictures: Iterator[list[bytes]]) -> list[tuple[int, AccessUnit[int]]]:
    """What came out, each with the number of the picture whose packets had come by then."""
    units = NalUnits[int](syntax)
    return [
        (number, unit)
        for number, picture in enumerate(pictures)
        for payload in picture
        for unit in units.add(payload, number)
    ]


@SYNTAXES
@pytest.mark.parametrize("sizes", [(250,), (250, 130), (40, 40, 40, 277)])
def test_pictures_come_whole_and_in_order(syntax: Syntax, sizes: Sequence[int]) -> None:
    came = run(syntax, film(syntax, 30, sizes))
    assert len(came) == 30
    assert [unit.stamp for _, unit in came] == list(range(30))
    whole = [b"".join(picture) for picture in film(syntax, 30, sizes)]
    assert [unit.data for _, unit in came] == whole


@SYNTAXES
@pytest.mark.parametrize("sizes", [(250,), (250, 130)])
def test_after_two_key_pictures_each_comes_with_its_last_packet(
    syntax: Syntax, sizes: Sequence[int]
) -> None:
    late = [number - unit.stamp for number, unit in run(syntax, film(syntax, 20, sizes))]
    assert late == [1] * 6 + [0] * 14


@SYNTAXES
def test_what_others_need_of_a_picture_is_told(syntax: Syntax) -> None:
    needs = [unit.need for _, unit in run(syntax, film(syntax, 20, (250, 130)))]
    assert needs == [Need.KEY, *[Need.REFERENCE] * 4] * 4


def test_a_picture_that_no_other_refers_to_is_disposable() -> None:
    def unreferenced(payload: bytes) -> bytes:
        return payload.replace(START + b"\x41", START + b"\x01")

    pictures = [
        [unreferenced(payload) for payload in picture] if number % 2 else picture
        for number, picture in enumerate(film(H264, 20, key_every=10))
    ]
    needs = [unit.need for _, unit in run(H264, iter(pictures))]
    cycle = [Need.KEY, *[Need.DISPOSABLE, Need.REFERENCE] * 4, Need.DISPOSABLE]
    assert needs == cycle * 2


@SYNTAXES
def test_a_full_last_packet_waits_for_the_next_picture(syntax: Syntax) -> None:
    exact = FULL * 3 + syntax.header
    pictures = [packets(syntax, [exact if n == 15 else 250], key=n % 5 == 0) for n in range(20)]
    late = [number - unit.stamp for number, unit in run(syntax, iter(pictures))]
    assert late == [1] * 6 + [0] * 9 + [1] + [0] * 4


@SYNTAXES
def test_pictures_cut_into_varying_slices_come_with_the_next_one(syntax: Syntax) -> None:
    counts = [1 + number % 3 for number in range(30)]
    pictures = [packets(syntax, [130] * n, key=i % 5 == 0) for i, n in enumerate(counts)]
    came = run(syntax, iter(pictures))
    assert [unit.data for _, unit in came] == [b"".join(picture) for picture in pictures[:-1]]
    assert {number - unit.stamp for number, unit in came} == {1}


@SYNTAXES
def test_where_a_guess_proves_wrong_it_is_watched_for_twice_as_long(syntax: Syntax) -> None:
    pictures = [packets(syntax, [250], key=number % 5 == 0) for number in range(60)]
    pictures[20] = packets(syntax, [250, 250], key=True)
    came = run(syntax, iter(pictures))
    assert [unit.stamp for _, unit in came] == list(range(60))
    late = [number - unit.stamp for number, unit in came]
    assert late == [1] * 6 + [0] * 15 + [1] * 15 + [0] * 24
    damaged = [n for n, (_, unit) in enumerate(came) if unit.data != b"".join(pictures[n])]
    assert damaged == [20]


@SYNTAXES
def test_without_a_second_key_picture_nothing_is_guessed(syntax: Syntax) -> None:
    came = run(syntax, film(syntax, 50, key_every=1000))
    assert len(came) == 49
    assert {number - unit.stamp for number, unit in came} == {1}


@SYNTAXES
def test_what_follows_a_picture_is_no_sign_of_a_wrong_guess(syntax: Syntax) -> None:
    suffix = [START + SUFFIX[syntax] + b"x" * FULL, b"x" * 20]
    came = run(syntax, iter([[*picture, *suffix] for picture in film(syntax, 20)]))
    assert [unit.stamp for _, unit in came] == list(range(20))
    assert [number - unit.stamp for number, unit in came] == [1] * 6 + [0] * 14


@SYNTAXES
def test_parameter_sets_between_its_slices_do_not_cut_a_picture(syntax: Syntax) -> None:
    sets = START + SETS[syntax]
    pictures = []
    for number in range(20):
        (first, *rest) = packets(syntax, [60, 250], key=number % 5 == 0)
        pictures.append([first, sets, *rest] if number % 5 else [first, rest[0], sets, *rest[1:]])
    came = run(syntax, iter(pictures))
    assert [unit.data for _, unit in came] == [b"".join(picture) for picture in pictures]
    assert [number - unit.stamp for number, unit in came] == [1] * 6 + [0] * 14


def test_a_motion_jpeg_payload_is_a_picture() -> None:
    assert WholePictures[int]().add(b"picture", 7) == [AccessUnit(b"picture", 7, Need.KEY)]
