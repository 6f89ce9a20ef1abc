import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from pipeline.errors import BadInput
from pipeline.photographs import find_photographs, read_photograph


def coded(kind: str, mode: str = "RGB", size: tuple[int, int] = (60, 40), **more: object) -> bytes:
    """A picture, red at the left and blue at the right."""
    picture = Picture.new("RGB", size, (200, 0, 0))
    picture.paste((0, 0, 200), (size[0] // 2, 0, size[0], size[1]))
    stream = io.BytesIO()
    picture.convert(mode).save(stream, kind, **more)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_every_allowed_format_is_read_as_bgr(kind: str) -> None:
    image = read_photograph(coded(kind))
    assert image.shape == (40, 60, 3)
    assert image.dtype == np.uint8
    assert image[20, 5].astype(int) == pytest.approx([0, 0, 200], abs=12)
    assert image[20, 55].astype(int) == pytest.approx([200, 0, 0], abs=12)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_grey_transparent_and_indexed_pictures_are_read_too(mode: str) -> None:
    assert read_photograph(coded("PNG", mode)).shape == (40, 60, 3)


def test_a_picture_is_turned_as_the_camera_was_held() -> None:
    exif = Picture.Exif()
    exif[0x0112] = 6  # turn by a quarter to the right
    image = read_photograph(coded("JPEG", exif=exif))
    assert image.shape == (60, 40, 3)
    assert image[5, 20].astype(int) == pytest.approx([0, 0, 200], abs=12)


def huge_png(width: int, height: int) -> bytes:
    """A few bytes that claim to be a very large picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(8000, 5001), (60_000, 60_000)])
def test_too_many_pixels_are_refused_before_decoding(width: int, height: int) -> None:
    with pytest.raises(BadInput, match="at most 40 megapixels"):
        read_photograph(huge_png(width, height))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_picture_that_is_cut_off_is_refused(kind: str, part: float) -> None:
    whole = coded(kind, size=(300, 200))
    with pytest.raises(BadInput, match="allowed: BMP, JPEG, PNG, WEBP"):
        read_photograph(whole[: int(len(whole) * part)])


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a", b"%PDF-1.7", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_is_refused_with_what_is_allowed(data: bytes) -> None:
    with pytest.raises(BadInput, match="allowed: BMP, JPEG, PNG, WEBP"):
        read_photograph(data)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Is a directory"):
        read_photograph(tmp_path)


def test_a_folder_a_person_gives_their_photographs_in_order(tmp_path: Path) -> None:
    for name in ("Bob/2.jpg", "Bob/1.jpg", "Ann/x.png", ".git/config", "Ann/.hidden"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "loose.jpg").write_bytes(b"")
    found = [(one.person, one.path.name) for one in find_photographs(tmp_path)]
    assert found == [("Ann", "x.png"), ("Bob", "1.jpg"), ("Bob", "2.jpg")]


def test_a_missing_folder_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a folder of folders"):
        list(find_photographs(tmp_path / "nowhere"))
