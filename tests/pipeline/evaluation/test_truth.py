"""Ground truths of clips: who stands where, and what is no truth."""

import json
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.evaluation.truth import check_places, read_truth
from pipeline.messages import PersonId

A, B, C = (PersonId(name) for name in "ABC")


def written(folder: Path, clips: object) -> Path:
    for name in ("one.mp4", "two.mkv"):
        (folder / name).write_bytes(b"")
    file = folder / "truth.json"
    file.write_text(json.dumps({"about": "whatever", "clips": clips}))
    return file


def test_places_are_told_by_the_first_word_of_a_description(tmp_path: Path) -> None:
    people = {"A": "left, bald", "B": "Middle", "C": "right, fair hair"}
    clips = {"one": {"people": people, "frames": 41, "eye_px": {"A": 4}}}
    (clip,) = read_truth(written(tmp_path, clips))
    assert (clip.path.name, clip.frames, clip.alone) == ("one.mp4", 41, None)
    assert [clip.who(x) for x in (0.1, 0.34, 0.36, 0.64, 0.66, 0.95)] == [A, A, B, B, C, C]


def test_of_two_each_has_half_of_the_picture(tmp_path: Path) -> None:
    clips = {"one": {"people": {"A": "left", "B": "right"}}}
    (clip,) = read_truth(written(tmp_path, clips))
    assert [clip.who(x) for x in (0.49, 0.51)] == [A, B]


def test_whoever_is_alone_is_everywhere_and_needs_no_place(tmp_path: Path) -> None:
    (clip,) = read_truth(written(tmp_path, {"two.mkv": {"people": {"A": "turns her head"}}}))
    assert (clip.alone, clip.who(0.0), clip.who(1.0)) == (A, A, A)


@pytest.mark.parametrize(
    "people", [{}, {"unknown": "four people"}, {"A": "in white", "B": "in black"}]
)
def test_where_nobody_is_placed_nobody_is_told_from_others(
    tmp_path: Path, people: dict[str, str]
) -> None:
    clips = read_truth(written(tmp_path, {"one": {"people": people}}))
    assert clips[0].who(0.5) is None
    assert clips[0].alone is None
    check_places(clips, frozenset({C}))


@pytest.mark.parametrize(
    "people",
    [{"A": "in white", "B": "right"}, {"A": "left", "B": "left, behind"}, {"A": "", "B": "x"}],
)
def test_who_is_enrolled_and_cannot_be_told_from_others_is_an_error(
    tmp_path: Path, people: dict[str, str]
) -> None:
    clips = read_truth(written(tmp_path, {"one": {"people": people}}))
    with pytest.raises(BadInput, match="one: where A stands is not told"):
        check_places(clips, frozenset({A}))


@pytest.mark.parametrize(
    ("clips", "said"),
    [
        ({}, "clips: "),
        ([], "clips: "),
        ({"one": {}}, r"clips\.one\.people"),
        ({"one": {"people": {"A": 1}}}, r"clips\.one\.people\.A"),
        ({"one": {"people": {}, "frames": -1}}, r"clips\.one\.frames"),
        ({"gone": {"people": {}}}, "gone: there is no film"),
    ],
)
def test_what_is_no_truth_is_refused(tmp_path: Path, clips: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        read_truth(written(tmp_path, clips))


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b"null"])
def test_what_is_no_json_is_refused(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "truth.json"
    file.write_bytes(text)
    with pytest.raises(BadInput, match="it is no ground truth"):
        read_truth(file)
    with pytest.raises(BadInput, match="cannot be read"):
        read_truth(tmp_path / "none.json")
