"""A list of pairs of photographs, and whether each shows one person: CSV, read without trust."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from pipeline.errors import BadInput

_DECISIONS = {"yes": True, "no": False}
_COLUMNS = 3
_ALLOWED = "allowed: file_x, file_y, decision (Yes or No), separated by commas"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photographs by their names in the folder; ``mated`` if both show one person.

    ``file_x`` is the reference, ``file_y`` the probe. ``line`` is the list's, from 1.
    """

    line: int
    file_x: str
    file_y: str
    mated: bool


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that is no pair, and why."""

    line: int
    problem: str


@dataclass(frozen=True, slots=True)
class PairList:
    """The pairs of a list, and the lines that were left out."""

    pairs: Sequence[Pair]
    bad_rows: Sequence[BadRow]


def read_pairs(file: Path, images: Path) -> PairList:
    """The pairs in ``file``, of photographs in the folder ``images``.

    The first three columns count, whatever they are called; a first line without a decision is
    their heading. A row that is no pair, or whose photographs are not there, is left out.

    Raises:
        BadInput: there is no such file or folder, it is no CSV in UTF-8, or no row is a pair.
    """
    if not images.is_dir():
        raise BadInput(f"{images}: no such folder; expected the photographs that {file} lists")
    pairs, bad = list[Pair](), list[BadRow]()
    for line, row in _rows(file):
        if problem := _problem(row, images):
            bad.append(BadRow(line, problem))
        else:
            x, y, decision = (cell.strip() for cell in row[:_COLUMNS])
            pairs.append(Pair(line, x, y, _DECISIONS[decision.lower()]))
    if not pairs:
        why = "; ".join(f"line {row.line}: {row.problem}" for row in bad[:3])
        raise BadInput(f"{file}: no row is a pair of photographs ({why or 'it is empty'})")
    return PairList(pairs, bad)


def _rows(file: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """Each row with its line in the file; no heading, no empty lines."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for number, row in enumerate(reader):
                if any(cell.strip() for cell in row) and (number or _is_pair(row)):
                    yield reader.line_num, row
    except OSError as error:
        raise BadInput(f"{file}: it cannot be read ({error.strerror})") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: it is no CSV in UTF-8 ({error}); {_ALLOWED}") from error


def _is_pair(row: Sequence[str]) -> bool:
    return len(row) >= _COLUMNS and row[_COLUMNS - 1].strip().lower() in _DECISIONS


def _problem(row: Sequence[str], images: Path) -> str:
    """Why a row is no pair; empty if it is one."""
    if len(row) < _COLUMNS:
        return f"it has {len(row)} columns; {_ALLOWED}"
    if not _is_pair(row):
        return f"its decision is {row[_COLUMNS - 1].strip()[:20]!r}; allowed: Yes, No"
    for name in row[: _COLUMNS - 1]:
        if problem := _file_problem(name.strip(), images):
            return problem
    return ""


def _file_problem(name: str, images: Path) -> str:
    path = PurePath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        return f"{name!r} is no name of a file in {images}"
    try:
        there = (images / path).is_file()
    except (OSError, ValueError):  # too long, or with a character that no file has
        there = False
    return "" if there else f"there is no file {name} in {images}"
