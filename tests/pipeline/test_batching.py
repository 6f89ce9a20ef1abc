"""One network for many threads: what they ask at once becomes one run, each with its answer."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.batching import BatchedNetwork
from pipeline.calls import Call
from pipeline.errors import Fatal, Misconfigured
from pipeline.inference import Network, Tensor

FOREVER = 60.0
"""Seconds of patience that no test waits for: its batches go because they are full."""


class Doubling:
    """A device that answers each row with its double, when it is let."""

    def __init__(self, *, held: bool = False) -> None:
        self.device, self.used = "cuda:0", "cuda"
        self.input_shape: tuple[int | str | None, ...] = ("batch", 2)
        self.outputs: dict[str, tuple[int | str | None, ...]] = {"double": ("batch", 2)}
        self.sizes: list[int] = []
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()
        if not held:
            self.go.set()

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        assert list(outputs) == ["double"]
        self.sizes.append(len(tensor))
        self.begun.release()
        assert self.go.wait(10)
        return [tensor * 2]


def rows(*numbers: float) -> Tensor:
    return np.array([[number, -number] for number in numbers], np.float32)


@contextmanager
def batched(
    *devices: Doubling, most: int = 4, patience: float = 0.0
) -> Iterator[tuple[BatchedNetwork, ThreadPoolExecutor]]:
    network = BatchedNetwork(devices, most=most, patience=patience)
    with ThreadPoolExecutor(16) as lanes:
        yield network, lanes
        for device in devices:
            device.go.set()
        network.close()
    assert not any(thread.is_alive() for thread in network._threads)


def ask(
    network: BatchedNetwork, lanes: ThreadPoolExecutor, tensor: Tensor, call: Call | None = None
) -> Future[Sequence[Tensor]]:
    return lanes.submit((call or Call(object())).do, network.run, tensor, ("double",))


def until(condition: Callable[[], bool]) -> None:
    """Wait for what other threads do."""
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.005)
    pytest.fail("it never came true")


def test_those_who_ask_together_share_a_run_and_each_has_its_own_answer() -> None:
    device = Doubling()
    with batched(device, most=4, patience=FOREVER) as (network, lanes):
        asked = [ask(network, lanes, rows(number)) for number in range(4)]
        answers = [future.result(10)[0] for future in asked]
    assert device.sizes == [4]
    assert [answer.tolist() for answer in answers] == [(rows(n) * 2).tolist() for n in range(4)]


def test_who_asks_alone_is_answered_when_the_time_is_up() -> None:
    device = Doubling()
    with batched(device, patience=0.01) as (network, lanes):
        (answer,) = ask(network, lanes, rows(3)).result(10)
    assert answer.tolist() == [[6, -6]]
    assert device.sizes == [1]


def test_a_batch_is_filled_up_to_one_of_a_few_sizes() -> None:
    device = Doubling()
    with batched(device, most=12) as (network, lanes):
        for count in (1, 2, 3, 5, 9, 11):
            (answer,) = ask(network, lanes, rows(*range(count))).result(10)
            assert answer.tolist() == (rows(*range(count)) * 2).tolist()
    assert device.sizes == [1, 2, 4, 8, 12, 12]


def test_rows_that_say_where_pictures_lie_stay_exact() -> None:
    """Numbers of pixels of a large memory have more digits than 32 bits hold."""
    device, places = Doubling(), np.array([[2.0**31 + 1, -1], [2.0**31 + 3, -3], [7, -7]])
    with batched(device, most=4) as (network, lanes):
        (answer,) = ask(network, lanes, places).result(10)
    assert answer.tolist() == (places * 2).tolist()
    assert device.sizes == [4]


def test_more_rows_than_a_batch_holds_are_asked_in_parts() -> None:
    device = Doubling()
    with batched(device, most=4) as (network, lanes):
        (answer,) = ask(network, lanes, rows(*range(10))).result(10)
        (nothing,) = ask(network, lanes, rows()[:0].reshape(0, 2)).result(10)
    assert answer.tolist() == (rows(*range(10)) * 2).tolist()
    assert nothing.shape == (0, 2)
    assert max(device.sizes) == 4


def test_work_goes_to_the_device_that_is_idle() -> None:
    busy, idle = Doubling(held=True), Doubling(held=True)
    with batched(busy, idle, most=1) as (network, lanes):
        first = [ask(network, lanes, rows(1)), ask(network, lanes, rows(2))]
        assert busy.begun.acquire(timeout=10)
        assert idle.begun.acquire(timeout=10)
        idle.go.set()
        more = [ask(network, lanes, rows(number)) for number in range(5)]
        assert [future.result(10)[0][0, 0] for future in more] == [0, 2, 4, 6, 8]
        assert len(busy.sizes) == 1
        busy.go.set()
        assert sorted(future.result(10)[0][0, 0] for future in first) == [2, 4]
    assert (len(busy.sizes), len(idle.sizes)) == (1, 6)


def test_what_was_asked_for_a_camera_that_is_gone_never_runs() -> None:
    device = Doubling(held=True)
    with batched(device, most=2) as (network, lanes):
        running = ask(network, lanes, rows(1))
        assert device.begun.acquire(timeout=10)
        gone = Call("gone")
        left = ask(network, lanes, rows(2, 2), gone)
        stays = ask(network, lanes, rows(3))
        until(lambda: len(network._waiting) == 2)
        gone.gone = True
        device.go.set()
        with pytest.raises(CancelledError):
            left.result(10)
        assert stays.result(10)[0].tolist() == [[6, -6]]
        assert running.result(10)[0].tolist() == [[2, -2]]
    assert device.sizes == [1, 1]


def test_a_device_that_breaks_tells_each_who_asked_and_is_asked_again() -> None:
    device = Doubling(held=True)
    really = device.run

    def broken(tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        really(tensor, outputs)
        device.run = really  # type: ignore[method-assign]
        raise Fatal("out of memory")

    device.run = broken  # type: ignore[method-assign]
    with batched(device, most=2, patience=FOREVER) as (network, lanes):
        asked = [ask(network, lanes, rows(n)) for n in range(2)]
        device.go.set()
        for future in asked:
            with pytest.raises(Fatal, match="out of memory"):
                future.result(10)
        (answer,) = ask(network, lanes, rows(1, 2)).result(10)
    assert answer.tolist() == [[2, -2], [4, -4]]


def test_a_network_that_does_not_answer_row_by_row_is_named() -> None:
    device = Doubling()
    device.run = lambda tensor, outputs: [tensor.reshape(1, -1)]  # type: ignore[method-assign]  # noqa: ARG005 - the Protocol's
    with (
        batched(device, most=2) as (network, lanes),
        pytest.raises(Misconfigured, match="INFERENCE_BATCH=1"),
    ):
        ask(network, lanes, rows(1, 2)).result(10)


def test_no_more_may_wait_than_eight_batches() -> None:
    device = Doubling(held=True)
    with batched(device, most=1) as (network, lanes):
        asked = [ask(network, lanes, rows(n)) for n in range(14)]
        until(lambda: len(network._waiting) == 8)
        assert len(device.sizes) == 1
        device.go.set()
        assert [future.result(10)[0][0, 0] for future in asked] == [2 * n for n in range(14)]


def test_what_is_dropped_makes_room_for_who_waits_outside() -> None:
    device = Doubling(held=True)
    with batched(device, most=1) as (network, lanes):
        running = ask(network, lanes, rows(1))
        assert device.begun.acquire(timeout=10)
        call = Call("gone")
        asked = [ask(network, lanes, rows(n), call) for n in range(10)]
        until(lambda: len(network._waiting) == 8)
        call.gone = True
        device.go.set()
        for future in asked:
            with pytest.raises(CancelledError):
                future.result(10)
        assert running.result(10)[0].tolist() == [[2, -2]]
    assert device.sizes == [1]


def test_closed_it_answers_whoever_still_waits_and_whoever_comes() -> None:
    device = Doubling(held=True)
    with batched(device, most=1) as (network, lanes):
        running = ask(network, lanes, rows(1))
        assert device.begun.acquire(timeout=10)
        waiting = ask(network, lanes, rows(2))
        until(lambda: len(network._waiting) == 1)
        closing = threading.Thread(target=network.close)
        closing.start()
        with pytest.raises(Fatal, match="closed"):
            waiting.result(10)
        device.go.set()
        closing.join(10)
        assert running.result(10)[0].tolist() == [[2, -2]]
        with pytest.raises(Fatal, match="closed"):
            ask(network, lanes, rows(3)).result(10)


def test_where_it_runs_is_told_of_every_device() -> None:
    one, other = Doubling(), Doubling()
    with batched(one, other) as (network, _):
        assert (network.device, network.used) == ("cuda:0", "cuda")
        other.used = "cpu"
        assert network.used == "cpu,cuda"


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.booleans()), max_size=24),
    st.integers(1, 2),
    st.integers(1, 5),
)
def test_each_has_its_own_answer_or_is_gone_whatever_is_asked(
    work: list[tuple[int, int, bool]], devices: int, most: int
) -> None:
    """Many threads at once, some of whose calls are gone at a moment nobody chose."""
    machines = [Doubling() for _ in range(devices)]
    with batched(*machines, most=most) as (network, lanes):
        ends = Counter[str]()
        asked = []
        for number, (asker, count, leaves) in enumerate(work):
            call = Call(asker)
            tensor = rows(*range(number, number + count))
            asked.append((ask(network, lanes, tensor, call), tensor))
            call.gone = leaves
        for (future, tensor), (_, _, leaves) in zip(asked, work, strict=True):
            try:
                (answer,) = future.result(10)
            except CancelledError:
                assert leaves
                ends["gone"] += 1
            else:
                assert answer.tolist() == (tensor * 2).tolist()
                ends["answered"] += 1
    assert ends.total() == len(work)


def test_a_real_network_answers_in_batches_as_it_does_alone(
    scrfd_graph: Callable[..., Path], tmp_path: Path
) -> None:
    alone = Network(scrfd_graph(tmp_path / "scrfd.onnx", batched=True))
    network = BatchedNetwork([alone], most=4, patience=FOREVER)
    random = np.random.default_rng(1)
    tensors = [random.normal(0, 1, (1, 3, 64, 96)).astype(np.float32) for _ in range(4)]
    with ThreadPoolExecutor(4) as lanes:
        asked = [lanes.submit(network.run, tensor, tuple(alone.outputs)) for tensor in tensors]
        answers = [future.result(10) for future in asked]
    network.close()
    for tensor, answer in zip(tensors, answers, strict=True):
        expected = alone.run(tensor, tuple(alone.outputs))
        assert len(expected) == 9
        for one, other in zip(answer, expected, strict=True):
            assert one == pytest.approx(other, abs=1e-5)
