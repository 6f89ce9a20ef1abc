from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from pipeline.inference import Network, Tensor
from pipeline.messages import Image
from tests.bench import throughput
from tests.films import number_of, write_film


class CountingNetwork:
    """Counts its runs by shape and outputs."""

    def __init__(self) -> None:
        self.runs: Counter[tuple[tuple[int, ...], tuple[str, ...]]] = Counter()

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        self.runs[tensor.shape, tuple(outputs)] += 1
        return [tensor]


@pytest.mark.parametrize("pictures", [0, 7])
def test_a_limit_makes_the_very_runs_and_pictures(
    pictures: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, decoded = CountingNetwork(), []
    one, other = ((1, 3, 4, 4), ("a",)), ((2, 3, 4, 4), ("a", "b"))
    runs = [(cast("Network", network), *which) for which in (one, one, other)]

    def pictures_of(clip: Path) -> Iterator[Image]:
        while True:
            decoded.append(clip)
            yield np.zeros((4, 4, 3), np.uint8)

    monkeypatch.setattr(throughput, "pictures_of", pictures_of)
    throughput.seconds_alone(runs, 1, tmp_path, pictures)
    assert network.runs == {one: 2, other: 1}
    assert decoded == [tmp_path] * pictures


def test_a_clip_begins_again_at_its_end(tmp_path: Path) -> None:
    pictures = throughput.pictures_of(write_film(tmp_path / "film.mp4", 5))
    assert [number_of(next(pictures)) for _ in range(12)] == [*range(5), *range(5), 0, 1]
