"""Which of ONNX Runtime's providers a device asks for, and with which options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import pytest

from pipeline import sessions
from pipeline.device.runtime import host_buffer
from pipeline.errors import Misconfigured
from pipeline.sessions import kind_of, open_session, pinned_memory, providers

Graph = Callable[..., Path]


def test_a_cpu_asks_for_nothing_else() -> None:
    assert providers("cpu") == [("CPUExecutionProvider", {})]


def test_a_gpu_takes_memory_as_it_needs_it_and_does_not_try_every_convolution() -> None:
    (name, options), (last, _) = providers("cuda:1")
    assert (name, last) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert options == {
        "device_id": "1",
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "HEURISTIC",
    }


def test_tensorrt_comes_first_where_its_engines_have_a_folder() -> None:
    first, second, third = providers("cuda:1", Path("/engines"))
    assert [name for name, _ in (first, second, third)] == [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]
    assert first[1]["device_id"] == second[1]["device_id"] == "1"
    assert first[1]["trt_engine_cache_path"] == "/engines"
    assert kind_of(first[0]) == "tensorrt"


def test_tensorrt_that_is_not_there_stops_the_start_and_says_what_to_do(
    sface_graph: Graph, tmp_path: Path
) -> None:
    file = sface_graph(tmp_path / "face.onnx")
    with (
        pytest.warns(UserWarning, match="ExecutionProvider"),  # its own, of this machine
        pytest.raises(Misconfigured, match=r"TensorrtExecutionProvider.*unset MODEL_TENSORRT"),
    ):
        open_session(file, "cuda:0", engines=tmp_path)


@dataclass
class FakeDevice:
    ep_name: str
    info: object

    def memory_info(self, kind: object) -> object:
        assert kind == onnxruntime.OrtDeviceMemoryType.HOST_ACCESSIBLE
        return self.info


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ([FakeDevice("CPUExecutionProvider", 1)], None),
        ([FakeDevice("CPUExecutionProvider", 1), FakeDevice("CUDAExecutionProvider", 2)], 2),
        ([FakeDevice("CUDAExecutionProvider", None)], None),
    ],
)
def test_pinned_memory_is_cuda_s_if_it_has_any(
    devices: Sequence[FakeDevice], expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: devices)
    assert pinned_memory() == expected


def test_a_buffer_lies_in_pinned_memory_where_there_is_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is allocated for real here, in ONNX Runtime's memory, stands for it."""
    made = onnxruntime.OrtValue.ortvalue_from_shape_and_type
    monkeypatch.setattr("pipeline.device.runtime.pinned_memory", lambda: "pinned")
    monkeypatch.setattr(
        onnxruntime.OrtValue,
        "ortvalue_from_shape_and_type",
        lambda shape, kind, *, memory_info: made(shape, kind) if memory_info == "pinned" else None,
    )
    buffer = host_buffer((2, 3))
    assert buffer.owner is not None
    buffer.numbers[:] = 7
    assert buffer.owner.numpy().tolist() == [[7, 7, 7], [7, 7, 7]]
    assert host_buffer((0, 3)).numbers.shape == (0, 3)


def test_a_buffer_is_numpy_s_own_elsewhere() -> None:
    assert sessions.pinned_memory() is None
    buffer = host_buffer((2, 3))
    assert (buffer.owner, buffer.numbers.shape) == (None, (2, 3))
