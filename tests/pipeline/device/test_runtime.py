"""A joined network and its memory of pixels, on ONNX Runtime's CPU in place of a GPU."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.detect import scrfd
from pipeline.detect.letterbox import Letterbox
from pipeline.device.pictures import Pictures
from pipeline.device.runtime import Asked, DeviceMemory, JoinedNetwork
from pipeline.errors import Fatal
from pipeline.graphs.joined import joined
from pipeline.graphs.sampling import row_of
from pipeline.inference import Network
from pipeline.messages import Image
from pipeline.views import OnHost, View

ScrfdGraph = Callable[..., Path]


def picture(seed: int, height: int = 96, width: int = 160) -> Image:
    random = np.random.default_rng(seed)
    return random.integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def memory() -> DeviceMemory:
    return DeviceMemory("cpu", 200_000)


def test_pictures_lie_side_by_side_and_are_read_where_they_lie(memory: DeviceMemory) -> None:
    images = [picture(seed) for seed in range(5)]
    for place, image in enumerate(images):
        memory.write(20_000 * place + 3, image)
    pixels = memory.pixels.numpy()
    for place, image in enumerate(images):
        first = 20_000 * place + 3
        assert (pixels[first : first + 96 * 160] == image.reshape(-1, 3)).all()


def test_a_picture_that_is_a_part_of_another_is_written_as_it_looks(memory: DeviceMemory) -> None:
    part = picture(7)[10:50, 20:90]
    memory.write(0, part)
    assert (memory.pixels.numpy()[: 40 * 70] == part.reshape(-1, 3)).all()


def test_a_picture_in_nv12_comes_to_lie_there_in_bgr(memory: DeviceMemory) -> None:
    luma, chroma = np.full((4, 6), 235, np.uint8), np.full((2, 3, 2), 128, np.uint8)
    memory.write(0, picture(1))
    memory.write_nv12(7, luma, chroma)
    pixels = memory.pixels.numpy()
    assert (pixels[7:31] == 255).all()
    assert (pixels[:7] == picture(1).reshape(-1, 3)[:7]).all()
    assert (pixels[31:60] == picture(1).reshape(-1, 3)[31:60]).all()


@pytest.mark.parametrize("batched", [False, True])
def test_rows_of_pictures_of_any_size_are_answered_each_in_its_row(
    scrfd_graph: ScrfdGraph, tmp_path: Path, memory: DeviceMemory, *, batched: bool
) -> None:
    """Also by a network that was published for one picture, whose outputs have no first size."""
    file = scrfd_graph(tmp_path / "scrfd.onnx", batched=batched)
    host = OnHost(Network(file), scrfd.COLOURS)
    network = JoinedNetwork(joined(file, scrfd.COLOURS), "it", memory)
    pictures, letterbox = Pictures(memory), Letterbox(host.input_shape, 160)
    images = [picture(1), picture(2, 90, 150), picture(3, 192, 320)]
    outputs = tuple(host.outputs)
    assert tuple(network.outputs) == outputs
    views = [letterbox.view(image) for image in images]
    for _ in range(3):  # from the second run on into buffers that are there
        rows = []
        for image, view in zip(images, views, strict=True):
            with pictures.held(image) as first:
                rows.append(row_of(first, image.shape, view))
        answers = network.run(np.concatenate(rows), Asked(outputs, views[0].grid))
        for row, (image, view) in enumerate(zip(images, views, strict=True)):
            alone = [each.reshape(-1, each.shape[-1]) for each in host.show(image, view, outputs)]
            assert len(alone) == 9
            for answer, expected in zip(answers, alone, strict=True):
                assert answer[row] == pytest.approx(expected, abs=0.05 * float(expected.std()))


def test_an_answer_is_the_askers_own(
    scrfd_graph: ScrfdGraph, tmp_path: Path, memory: DeviceMemory
) -> None:
    """Buffers are used again: what was answered before must not change."""
    file = scrfd_graph(tmp_path / "scrfd.onnx", batched=True)
    network = JoinedNetwork(joined(file, scrfd.COLOURS), "it", memory)
    view = View(np.eye(2, 3), (64, 64), (64, 64))
    asked = Asked(tuple(network.outputs), view.grid)
    memory.write(0, picture(1))
    rows = row_of(0, (96, 160), view)
    network.run(rows, asked)
    (kept, *_) = network.run(rows, asked)
    before = kept.copy()
    memory.write(0, picture(2))
    (other, *_) = network.run(rows, asked)
    assert (kept == before).all()
    assert not np.allclose(kept, other)


def test_other_outputs_and_other_sizes_of_one_network_are_kept_apart(
    scrfd_graph: ScrfdGraph, tmp_path: Path, memory: DeviceMemory
) -> None:
    network = JoinedNetwork(
        joined(scrfd_graph(tmp_path / "scrfd.onnx", batched=True), scrfd.COLOURS), "it", memory
    )
    memory.write(0, picture(1))
    first, *_, last = network.outputs
    for _ in range(2):
        for side in (64, 96):
            view = View(np.eye(2, 3), (side, side), (side, side))
            for outputs in ((first,), (last, first)):
                for count in (1, 2):
                    rows = np.concatenate([row_of(0, (96, 160), view)] * count)
                    answers = network.run(rows, Asked(outputs, view.grid))
                    cells = {first: (side // 8) ** 2 * 2, last: (side // 32) ** 2 * 2}
                    assert [answer.shape[:2] for answer in answers] == [
                        (count, cells[name]) for name in outputs
                    ]


def test_a_network_that_cannot_take_so_many_says_so(
    sface_graph: Callable[..., Path], tmp_path: Path, memory: DeviceMemory
) -> None:
    network = JoinedNetwork(
        joined(sface_graph(tmp_path / "face.onnx"), scrfd.COLOURS), "the embedder", memory
    )
    view = View(np.eye(2, 3), (8, 8), (8, 8))  # smaller than its kernel
    with pytest.raises(Fatal, match="the embedder does not run on cpu"):
        network.run(row_of(0, (9, 9), view), Asked(tuple(network.outputs), view.grid))
