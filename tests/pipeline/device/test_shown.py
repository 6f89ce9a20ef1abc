"""Which device a picture goes to, and what is asked of it there."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from pipeline.device.pictures import Pictures
from pipeline.device.runtime import Asked
from pipeline.device.shown import OnDevice, Way
from pipeline.graphs.sampling import Rows
from pipeline.inference import Tensor
from pipeline.messages import Image
from pipeline.views import View
from tests.pipeline.device.test_pictures import FakeMemory, picture

VIEW = View(np.array([[0.5, 0, 1], [0, 0.5, 2]]), (4, 4), (32, 32))


@dataclass
class FakeDevice:
    """Stands for the network on a device and for what is asked of it at once."""

    used: str = "cuda"
    outputs: dict[str, tuple[int | str | None, ...]] = field(default_factory=dict)
    asked: list[tuple[list[float], Asked]] = field(default_factory=list)
    closed: bool = False

    def run(self, rows: Rows, asked: Asked) -> Sequence[Tensor]:
        self.asked.append((rows[0].tolist(), asked))
        return [np.zeros((1, 1), np.float32)]

    def close(self) -> None:
        self.closed = True


def devices(count: int) -> tuple[OnDevice, Sequence[FakeDevice], Sequence[Pictures]]:
    fakes = [FakeDevice() for _ in range(count)]
    pictures = [Pictures(FakeMemory(1000)) for _ in range(count)]
    ways = [
        Way(there, fake, fake)  # type: ignore[arg-type]  # plays both parts
        for there, fake in zip(pictures, fakes, strict=True)
    ]
    return OnDevice(ways, (1, 3, "height", "width"), "cuda:0,1"), fakes, pictures


def test_what_is_asked_is_where_the_picture_lies_and_how_it_is_shown() -> None:
    network, (fake,), (there,) = devices(1)
    first, second = picture(1), picture(2)
    network.show(first, VIEW, ["scores"])
    network.show(second, VIEW, ["boxes", "scores"])
    assert first in there
    assert second in there
    assert fake.asked == [
        ([0, 2, 5, 2, 0, -2, 0, 2, -4], Asked(("scores",), VIEW.grid)),
        ([10, 2, 5, 2, 0, -2, 0, 2, -4], Asked(("boxes", "scores"), VIEW.grid)),
    ]


def test_a_picture_goes_to_the_device_that_has_least_to_do_and_stays_there() -> None:
    network, fakes, pictures = devices(2)
    busy: list[Image] = [picture(shade) for shade in range(3)]
    with ExitStack() as users:
        for image in busy:
            users.enter_context(pictures[0].held(image))
        new = picture(9)
        network.show(new, VIEW, ["scores"])
        assert (new in pictures[0], new in pictures[1]) == (False, True)
        users.enter_context(pictures[1].held(new))
        for _ in range(3):
            network.show(busy[0], VIEW, ["scores"])
    assert [len(fake.asked) for fake in fakes] == [3, 1]


def test_where_it_runs_is_told_of_all_its_devices_and_all_are_closed() -> None:
    network, fakes, _ = devices(2)
    assert (network.device, network.used) == ("cuda:0,1", "cuda")
    fakes[1].used = "tensorrt"
    assert network.used == "cuda,tensorrt"
    network.close()
    assert all(fake.closed for fake in fakes)
