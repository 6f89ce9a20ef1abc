"""Photographs, pairs and films whose rates are easily counted by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.evaluation.pairs import BadRow, Pair, PairList
from pipeline.evaluation.tracks import Sighting
from pipeline.messages import PersonId, TrackId, Vector
from pipeline.photographs import Photograph

FOLDER = Path("photographs")


def at(degrees: float) -> Vector:
    angle = np.radians(degrees)
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


FOUND: dict[Path, Vector | str] = {
    FOLDER / "a/1": at(0),
    FOLDER / "a/2": at(20),
    FOLDER / "b/1": at(30),
    FOLDER / "b/2": at(100),
    FOLDER / "c/1": "no face was found in it",
}


def listed(*pairs: tuple[str, str, bool], bad: Sequence[BadRow] = ()) -> PairList:
    return PairList([Pair(n, x, y, mated=same) for n, (x, y, same) in enumerate(pairs, 2)], bad)


def photographs() -> list[Photograph]:
    return [Photograph(PersonId(path.parent.name), path) for path in FOUND]


def seen(track: int, truth: PersonId | None, names: str, first: int = 0) -> list[Sighting]:
    """Ten faces a second: A and B are names, - is unknown, . is undecided."""
    return [
        Sighting(
            frame=frame,
            at=frame / 10,
            track=TrackId(track),
            name=PersonId(letter) if letter in "AB" else None,
            decided=letter != ".",
            truth=truth,
        )
        for frame, letter in enumerate(names, first)
    ]
