"""A figure stands beside its limit, and says whether it reaches its target."""

import asyncio
from pathlib import Path

import pytest

from api.command.bench.figures import Figure, markdown
from api.command.bench.measuring import MEASURES, Extent
from api.command.bench.queueing import ideal_queue
from api.command.bench.running import Bench, run_bench
from api.settings.settings import load_settings
from pipeline.errors import BadInput


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    rounds = [(50.0, 100.0), (90.0, 100.0), (30.0, 40.0)]
    one = Figure.of_rounds("line", "frames/s", "rate", "its networks", rounds, 0.6)
    assert (one.value, one.limit, one.ratio, one.reached) == (50.0, 100.0, 0.75, True)


@pytest.mark.parametrize(
    ("kind", "ratio", "reached"), [("rate", 0.5, False), ("time", 0.5, True), ("time", 1.3, False)]
)
def test_more_of_a_rate_is_better_and_less_of_a_time(
    kind: str, ratio: float, reached: bool
) -> None:
    one = Figure.of_rounds("x", "u", kind, "y", [(ratio, 1.0)], 1.0)  # type: ignore[arg-type]  # one of two
    assert one.reached is reached
    *_, row = markdown([one])
    assert ("missed" in row) is not reached


def test_what_has_no_limit_is_held_to_its_target_itself() -> None:
    assert Figure("load", 14.0, "s", "time", target=15.0).reached is True
    assert Figure("load", 14.0, "s", "time").reached is None


def test_an_ideal_queue_serves_first_come_first_served() -> None:
    # Two servers; the third waits for the second one's end, the fourth for the first one's.
    stays = ideal_queue([0.0, 0.0, 0.5, 1.0, 9.0], [3.0, 2.0, 1.0, 1.0, 4.0], 2)
    assert stays == [3.0, 2.0, 2.5, 3.0, 4.0]


def test_a_measure_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    asked = Bench(tmp_path, tmp_path, ("nonsense",), Extent(50, 1), json=True)
    with pytest.raises(BadInput, match="allowed: decode, detect"):
        asyncio.run(run_bench(asked, load_settings(environ={})))
    assert "nonsense" not in MEASURES
