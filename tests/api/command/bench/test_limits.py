"""Limits are made of the very work that the line had."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from api.command.bench import limits
from api.command.bench.limits import RecordingNetwork, Run, seconds_alone
from ingest.bare import bare_pictures
from pipeline.inference import Tensor
from pipeline.messages import Image
from tests.films import number_of, write_film


class CountingNetwork:
    """Counts its runs by shape and outputs."""

    device, used = "cpu", "cpu"

    def __init__(self) -> None:
        self.input_shape: tuple[int | str | None, ...] = (1, 3, None, None)
        self.outputs: dict[str, tuple[int | str | None, ...]] = {}
        self.runs: Counter[tuple[tuple[int, ...], tuple[str, ...]]] = Counter()

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        self.runs[tensor.shape, tuple(outputs)] += 1
        return [tensor]


@pytest.mark.parametrize("pictures", [0, 7])
def test_a_limit_makes_the_very_runs_and_pictures(
    pictures: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, decoded, runs = CountingNetwork(), list[Path](), list[Run]()
    noted = RecordingNetwork(network, runs)
    for shape, outputs in (((1, 3, 4, 4), "a"), ((1, 3, 4, 4), "a"), ((2, 3, 4, 4), "ab")):
        noted.run(np.zeros(shape, np.float32), list(outputs))
    once = Counter(network.runs)

    def pictures_of(clip: Path) -> Iterator[Image]:
        while True:
            decoded.append(clip)
            yield np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr(limits, "bare_pictures", pictures_of)
    seconds_alone(runs, 1, tmp_path, pictures)
    assert network.runs == once + once
    assert len(runs) == 3  # what the limit runs is not noted
    assert decoded == [tmp_path] * pictures


def test_a_film_begins_again_at_its_end(tmp_path: Path) -> None:
    pictures = bare_pictures(write_film(tmp_path / "film.mp4", 5))
    assert [number_of(next(pictures)) for _ in range(12)] == [*range(5), *range(5), 0, 1]
