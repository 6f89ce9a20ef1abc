from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from ingest.footage import shots
from ingest.virtual.clip import read_clip, write_clip
from pipeline.errors import BadInput
from tests.films import number_of, numbered_picture

Film = Callable[..., Path]


def kinds(units: list[bytes]) -> set[int]:
    return {unit[0] & 0x1F for unit in units}


def test_a_clip_has_every_picture_in_the_order_it_is_decoded(film: Film) -> None:
    clip = read_clip(film(30))
    assert clip.rate == 25
    assert len(clip.pictures) == 30
    assert [picture.shown for picture in clip.pictures] == [3600 * n for n in range(30)]
    assert {7, 8, 5} <= kinds(list(clip.pictures[0].units))
    assert clip.delay == 0


def test_pictures_that_are_shown_later_than_others_keep_their_place(film: Film) -> None:
    clip = read_clip(film(30, bf="2"))
    shown = [picture.shown for picture in clip.pictures]
    assert shown != sorted(shown)
    assert sorted(shown) == [3600 * n for n in range(30)]
    assert clip.delay == pytest.approx(2 / 25)


def test_a_written_clip_is_what_a_camera_sends(
    tmp_path: Path,
) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, (numbered_picture(number) for number in range(25)), rate=10)
    clip = read_clip(path)
    assert clip.rate == Fraction(10)
    keys = [n for n, picture in enumerate(clip.pictures) if 5 in kinds(list(picture.units))]
    assert keys == [0, 10, 20]
    assert [number_of(shot.paint()) for shot in shots(path)] == list(range(25))


@pytest.mark.parametrize("name", ["missing.mp4", "text.mp4", "other.avi"])
def test_what_is_no_h264_file_is_refused_by_its_path(film: Film, tmp_path: Path, name: str) -> None:
    (tmp_path / "text.mp4").write_text("Dear camera")
    film(3, "other.avi", "mjpeg")
    with pytest.raises(BadInput, match=name):
        read_clip(tmp_path / name)
