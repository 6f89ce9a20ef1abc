"""Curves as pictures."""

from pathlib import Path

import pytest

from pipeline.evaluation.plots import draw
from pipeline.evaluation.verification import Comparisons
from pipeline.photographs import read_photograph


def test_roc_and_det_are_drawn_as_png(tmp_path: Path) -> None:
    scores = Comparisons.of([0.9, 0.8, 0.4], [0.1, 0.2, 0.5])
    paths = draw(scores, 0.6, tmp_path / "new" / "folder", "pack")
    assert [path.name for path in paths] == ["roc.png", "det.png"]
    for path in paths:
        assert read_photograph(path).std() > 10
    other = draw(Comparisons.of([0.9, 0.8], [0.1]), 0.6, tmp_path, "pack")
    assert [path.read_bytes() for path in other] != [path.read_bytes() for path in paths]


def test_without_both_kinds_of_comparisons_there_is_no_curve(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both"):
        draw(Comparisons.of([0.9], []), 0.6, tmp_path, "pack")
