"""The size of a batch, chosen by a trial on a device whose run times are scripted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.calibration import takes_several, tried, tried_out
from pipeline.errors import Fatal
from pipeline.inference import Network, Tensor


class Scripted:
    """A device: its clock goes on by what a run of so many rows takes."""

    device = used = "cuda:0"

    def __init__(self, seconds: Mapping[int, float], *, flat: bool = False) -> None:
        self.input_shape: tuple[int | str | None, ...] = ("batch", 3, "height", "width")
        self.outputs: dict[str, tuple[int | str | None, ...]] = {"out": ("batch", 1)}
        self.now = 0.0
        self.shapes: list[tuple[int, ...]] = []
        self._seconds, self._flat = seconds, flat

    def clock(self) -> float:
        return self.now

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        assert list(outputs) == ["out"]
        self.shapes.append(tensor.shape)
        self.now += self._seconds[len(tensor)]
        return [np.zeros((1 if self._flat else len(tensor), 1), np.float32)]


def per_run(start: float, row: float) -> Mapping[int, float]:
    """What a run costs: something for itself, and something for each row."""
    return {size: start + row * size for size in (1, 2, 4, 8, 16, 32)}


@pytest.mark.parametrize(
    ("seconds", "most"),
    [
        (per_run(0, 0.01), 1),
        (per_run(0.01, 0.01), 8),
        (per_run(0.01, 0.0001), 32),
        ({1: 0.01, 2: 0.03}, 1),
        ({1: 0.01, 2: 0.011, 4: 0.05}, 2),
    ],
    ids=["no gain", "some gain", "all the gain there is", "slower", "slower from 4 on"],
)
def test_a_batch_is_doubled_as_long_as_that_is_worth_it(
    seconds: Mapping[int, float], most: int
) -> None:
    device = Scripted(seconds)
    trial = tried_out(device, 640, device.clock)
    assert trial.most == most
    for size, rate in trial.rates.items():
        assert rate == pytest.approx(size / seconds[size])
    assert str(trial).startswith(f"{most} at once (1: ")


def test_the_quickest_run_counts_not_the_first() -> None:
    """A device that gets ready takes long; it is asked once before it is timed."""
    device = Scripted(per_run(0.01, 0.0001))
    slow = iter([5.0])
    really = device.run

    def run(tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        device.now += next(slow, 0.0)
        return really(tensor, outputs)

    device.run = run  # type: ignore[method-assign]
    assert tried_out(device, 640, device.clock).rates[1] == pytest.approx(1 / 0.0101)


def test_it_is_tried_with_pictures_of_the_size_that_will_come() -> None:
    device = Scripted(per_run(0, 0.01))
    tried_out(device, 640, device.clock)
    assert set(device.shapes) == {(1, 3, 384, 640), (2, 3, 384, 640)}
    faces = Scripted(per_run(0, 0.01))
    faces.input_shape = ("batch", 3, 112, 112)
    tried_out(faces, 640, faces.clock)
    assert set(faces.shapes) == {(1, 3, 112, 112), (2, 3, 112, 112)}


def test_a_network_whose_batch_is_fixed_is_not_even_asked() -> None:
    device = Scripted({})
    device.input_shape = (1, 3, 112, 112)
    trial = tried_out(device, 640, device.clock)
    assert (trial.most, str(trial)) == (1, "1 at once (its batch is fixed)")
    assert not takes_several(device, 640)


def test_a_network_that_does_not_answer_row_by_row_takes_one() -> None:
    device = Scripted(per_run(0.01, 0.0001), flat=True)
    assert tried_out(device, 640, device.clock).most == 1
    assert not takes_several(device, 640)


def test_a_network_that_fails_with_more_rows_takes_fewer() -> None:
    """A shape inside is fixed, or the device has no room."""
    device = Scripted(per_run(0.01, 0.0001))
    really = device.run

    def run(tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        if len(tensor) > 4:
            raise Fatal("out of memory")
        return really(tensor, outputs)

    device.run = run  # type: ignore[method-assign]
    assert tried_out(device, 640, device.clock).most == 4


def test_a_network_that_does_not_run_at_all_is_no_trial() -> None:
    def fail(_: int) -> Sequence[Tensor]:
        raise Fatal("no such kernel")

    with pytest.raises(Fatal, match="no such kernel"):
        tried(fail)


def test_real_networks_tell_whether_they_take_several(test_data: Path) -> None:
    assert takes_several(Network(test_data / "models" / "yunet_s_dynamic.onnx"), 160)
