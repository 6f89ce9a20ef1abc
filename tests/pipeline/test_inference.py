import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.calls import Call, current_call
from pipeline.inference import Lanes, lane_count


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    made = Lanes(2)
    yield made
    made.close()


async def test_two_lanes_work_side_by_side(lanes: Lanes) -> None:
    """Each waits for the other: one after the other they would never meet."""
    both = threading.Barrier(2, timeout=10)
    places = await asyncio.gather(lanes.run(both.wait), lanes.run(both.wait))
    assert sorted(places) == [0, 1]


async def test_work_is_first_in_first_out(lanes: Lanes) -> None:
    order: list[int] = []
    held = threading.Event()
    busy = [asyncio.ensure_future(lanes.run(held.wait, 10)) for _ in range(2)]
    waiting = [asyncio.ensure_future(lanes.run(order.append, number)) for number in range(5)]
    await asyncio.sleep(0)
    held.set()
    await asyncio.gather(*busy, *waiting)
    assert order == [0, 1, 2, 3, 4]


async def test_what_is_run_ahead_waits_for_everything_else() -> None:
    lanes = Lanes(1)
    order: list[str] = []
    held = threading.Event()
    busy = [asyncio.ensure_future(lanes.run(held.wait, 10)) for _ in range(2)]  # one is next
    await asyncio.sleep(0)
    ahead = [asyncio.ensure_future(lanes.run_ahead(order.append, "frame")) for _ in range(3)]
    await asyncio.sleep(0)
    faces = [asyncio.ensure_future(lanes.run(order.append, "face")) for _ in range(3)]
    await asyncio.sleep(0)
    held.set()
    await asyncio.gather(*busy, *ahead, *faces)
    lanes.close()
    assert order == ["face"] * 3 + ["frame"] * 3


async def test_what_breaks_in_a_lane_is_raised_where_it_was_asked_for(lanes: Lanes) -> None:
    with pytest.raises(ZeroDivisionError):
        await lanes.run(lambda: 1 / 0)
    assert await lanes.run(lambda: 7) == 7


async def test_the_loop_goes_on_while_lanes_compute(lanes: Lanes) -> None:
    held, beats = threading.Event(), 0
    work = asyncio.ensure_future(lanes.run(held.wait, 10))
    while beats < 100:
        await asyncio.sleep(0)
        beats += 1
    assert not work.done()
    held.set()
    assert await work


def test_there_are_two_lanes_at_least_unless_fewer_are_asked_for() -> None:
    assert lane_count(None) >= 2
    assert lane_count(1) == 1
    assert lane_count(7) == 7


def test_only_cores_that_this_process_may_use_are_counted() -> None:
    script = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    script += "from pipeline.inference import cores; print(cores())"
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "1"


def test_nothing_is_reported_to_the_maker_of_the_runtime(tmp_path: Path) -> None:
    """Where it reports it leaves a file, and on a machine that builds it never does."""
    environ = {name: value for name, value in os.environ.items() if name != "CI"}
    environ.pop("ORT_DISABLE_TELEMETRY", None)

    def left_behind(code: str) -> list[str]:
        subprocess.run([sys.executable, "-c", code], env=environ, check=True)
        return [path.name for path in tmp_path.iterdir()]

    environ["TMPDIR"] = str(tmp_path)
    assert left_behind("import pipeline.inference") == []
    assert left_behind("import onnxruntime") == [".ses"], "the file by which it is seen"


async def test_a_call_that_is_cancelled_is_gone_for_whatever_it_waits_for(lanes: Lanes) -> None:
    begun, held, calls = threading.Event(), threading.Event(), list[Call]()

    def work() -> None:
        calls.append(current_call())
        begun.set()
        held.wait(10)

    task = asyncio.ensure_future(lanes.run(work))
    await asyncio.to_thread(begun.wait, 10)
    (call,) = calls
    assert not call.gone
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    held.set()
    assert call.gone


async def test_each_camera_asks_for_itself_in_the_same_lanes(lanes: Lanes) -> None:
    one, other = lanes.for_camera(), lanes.for_camera()
    askers = [(await who.run(current_call)).asker for who in (one, one, other, lanes)]
    assert len(set(askers)) == 3
    assert askers[0] == askers[1]
    both = threading.Barrier(2, timeout=10)
    assert sorted(await asyncio.gather(one.run(both.wait), other.run_ahead(both.wait))) == [0, 1]


def test_outside_of_lanes_nobody_asks() -> None:
    assert current_call().asker is None
