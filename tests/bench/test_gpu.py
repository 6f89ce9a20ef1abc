"""The graphs that the bench of a device works on, and what it tells."""

from itertools import islice
from pathlib import Path

import numpy as np

from pipeline.detect import scrfd
from pipeline.detect.scrfd import Scrfd
from pipeline.inference import Network
from pipeline.views import OnHost
from tests.bench.gpu import Measured, _varying, table
from tests.bench.random_graphs import scrfd_10g


def test_a_random_scrfd_is_taken_for_one(tmp_path: Path) -> None:
    network = Network(scrfd_10g(tmp_path / "scrfd.onnx"))
    detector = Scrfd(
        OnHost(network, scrfd.COLOURS),
        least_score=1.0,
        most_overlap=0.4,
        longest_side=64,
        small_side=64,
    )
    assert detector.detect(np.full((48, 64, 3), 90, np.uint8)) == []
    assert [shape[-1] for shape in network.outputs.values()] == [1, 1, 1, 4, 4, 4, 10, 10, 10]


def test_batches_vary_but_come_in_few_sizes() -> None:
    assert set(islice(_varying(12), 300)) == {1, 2, 4, 8, 12}


def test_the_table_has_a_row_for_each_measurement() -> None:
    rows = table([Measured("SCRFD-10G", "fp16", 8, 200.0, 180.0, 0.99996)]).splitlines()
    assert rows[-1] == "| SCRFD-10G | fp16 | 8 | 200.0 | 180.0 | 0.90 | 1.0000 |"
    assert len({row.count("|") for row in rows}) == 1
