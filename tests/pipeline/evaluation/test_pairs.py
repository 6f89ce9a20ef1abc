"""Lists of pairs as people write them, and as nobody should."""

from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.evaluation.pairs import Pair, read_pairs


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.jpg", "b c.jpg", "sub/ü,d.jpg"):
        (folder / name).write_bytes(b"")
    return folder


def written(tmp_path: Path, text: str | bytes) -> Path:
    file = tmp_path / "pairs.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_the_first_three_columns_count_whatever_they_are_called(
    tmp_path: Path, images: Path
) -> None:
    text = '\ufeffone;,two,same?,note\r\na.jpg, b c.jpg ,YES,x\r\n\r\na.jpg,"sub/ü,d.jpg",no\r\n'
    found = read_pairs(written(tmp_path, text), images)
    assert found.pairs == [
        Pair(2, "a.jpg", "b c.jpg", mated=True),
        Pair(4, "a.jpg", "sub/ü,d.jpg", mated=False),
    ]
    assert found.bad_rows == []


def test_a_list_without_a_heading_loses_no_row(tmp_path: Path, images: Path) -> None:
    found = read_pairs(written(tmp_path, "a.jpg,a.jpg,Yes\n"), images)
    assert found.pairs == [Pair(1, "a.jpg", "a.jpg", mated=True)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.jpg,a.jpg", "it has 2 columns"),
        ("a.jpg,a.jpg,Maybe", "'Maybe'; allowed: Yes, No"),
        ("a.jpg,none.jpg,Yes", "no file none.jpg"),
        ("a.jpg,sub,Yes", "no file sub"),
        (",a.jpg,Yes", "'' is no name"),
        ("../secret,a.jpg,Yes", "'../secret' is no name"),
        ("/etc/passwd,a.jpg,Yes", "'/etc/passwd' is no name"),
        (f"{'x' * 5000},a.jpg,Yes", "no file"),
        ("a\0.jpg,a.jpg,Yes", "no file"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_next_goes_on(
    tmp_path: Path, images: Path, row: str, said: str
) -> None:
    found = read_pairs(written(tmp_path, f"x,y,z\n{row}\na.jpg,a.jpg,No\n"), images)
    assert found.pairs == [Pair(3, "a.jpg", "a.jpg", mated=False)]
    (bad,) = found.bad_rows
    assert bad.line == 2
    assert said in bad.problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("x,y,decision\n", "it is empty"),
        ("x,y,decision\na.jpg,b.jpg,Yes\n", "line 2: there is no file b.jpg"),
        (b"\xff\xfe\x00", "no CSV in UTF-8"),
        ('x,y,z\n"a.jpg,a.jpg,Yes\n', "no CSV"),
    ],
)
def test_a_list_without_a_pair_is_refused(
    tmp_path: Path, images: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        read_pairs(written(tmp_path, text), images)


def test_what_is_not_there_is_said(tmp_path: Path, images: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing.csv: it cannot be read"):
        read_pairs(tmp_path / "nothing.csv", images)
    with pytest.raises(BadInput, match="no such folder"):
        read_pairs(written(tmp_path, "a,b,Yes"), tmp_path / "nowhere")
