"""ONNX Runtime's sessions: opened where they were asked for, or not at all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import onnx
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as binding

from pipeline.errors import Misconfigured

_ERRORS_ONLY = 3
_NOT_A_MODEL = (
    binding.EPFail,
    binding.Fail,
    binding.InvalidArgument,
    binding.InvalidGraph,
    binding.InvalidProtobuf,
    binding.NoSuchFile,
    binding.NotImplemented,
    binding.RuntimeException,
)
BROKEN = (binding.EPFail, binding.Fail, binding.RuntimeException, RuntimeError)
"""What a session raises that does not run any more; by IO binding it is just RuntimeError."""
_TENSORRT = "TensorrtExecutionProvider"
_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_ON_SHAPES = frozenset({
    "Cast", "Concat", "Constant", "ConstantOfShape", "Equal", "Expand", "Flatten", "Floor",
    "Gather", "Identity", "Mul", "Div", "Add", "Sub", "Range", "ReduceProd", "Reshape", "Shape",
    "Size", "Slice", "Split", "Squeeze", "Unsqueeze", "Where",
})  # fmt: skip
"""What reckons with sizes: ONNX Runtime keeps that on the CPU on purpose, as it costs nothing."""
COMPUTES = "computes/"
"""Nodes whose names begin so work on pixels, whatever their operators are used for elsewhere."""
_ON_CUDA: Mapping[str, str] = {
    # Memory is taken as it is needed, not doubled: other shards share the device.
    "arena_extend_strategy": "kSameAsRequested",
    # By default every new shape of a convolution is tried in all ways that cuDNN has, for seconds;
    # photographs come in any shape.
    "cudnn_conv_algo_search": "HEURISTIC",
}


class AssignedNode(Protocol):
    """A node of a graph as ONNX Runtime tells of it."""

    @property
    def name(self) -> str:
        """Which node."""

    @property
    def op_type(self) -> str:
        """What it does: ONNX's operator."""


class Assignment(Protocol):
    """The nodes that one execution provider runs."""

    @property
    def ep_name(self) -> str:
        """Which provider."""

    def get_nodes(self) -> Sequence[AssignedNode]:
        """Which."""


def open_session(
    model: Path | onnx.ModelProto,
    device: str,
    name: str | None = None,
    engines: Path | None = None,
) -> onnxruntime.InferenceSession:
    """``model`` on ``device`` (``cpu`` or ``cuda:N``), computing on the thread that asks.

    Args:
        model: a file, or what was made in memory, which then has a ``name`` for errors.
        device: where it must run, all of it that computes.
        name: of the model; a file has one.
        engines: where TensorRT keeps what it builds; None: without TensorRT.

    Raises:
        Misconfigured: it is no model, or does not run there.
    """
    name = name or str(model)
    wanted = providers(device, engines)
    if device != "cpu":
        onnxruntime.preload_dlls()  # CUDA and cuDNN from their packages: else they are not found
    try:
        session = onnxruntime.InferenceSession(
            str(model) if isinstance(model, Path) else model.SerializeToString(),
            _options(device),
            providers=wanted,
        )
    except _NOT_A_MODEL as error:
        raise Misconfigured(f"{name} cannot be run as an ONNX model: {error}") from error
    used, asked = session.get_providers()[0], wanted[0][0]
    if used != asked:
        raise Misconfigured(
            f"MODEL_DEVICE={device} asks for {asked}, but {name} was opened on {used}. "
            f"{_remedy(asked)}"
        )
    if used != _CPU and (strays := stray_nodes(session.get_provider_graph_assignment_info())):
        raise Misconfigured(
            f"MODEL_DEVICE={device}: these nodes of {name} would compute on the CPU: "
            f"{', '.join(strays)}. Take another pack, or MODEL_DEVICE=cpu"
        )
    return session


def providers(device: str, engines: Path | None = None) -> list[tuple[str, dict[str, str]]]:
    """ONNX Runtime's providers for ``cpu`` or ``cuda:N``, the one asked for first."""
    cpu = (_CPU, dict[str, str]())
    kind, number = kind_and_number(device)
    if kind == "cpu":
        return [cpu]
    which = {"device_id": str(number)}
    cuda = (_CUDA, which | dict(_ON_CUDA))
    if engines is None:
        return [cuda, cpu]
    kept = {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(engines),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(engines),
    }
    return [(_TENSORRT, which | kept), cuda, cpu]


def kind_and_number(device: str) -> tuple[str, int]:
    """``cuda:1`` as ``cuda`` and 1."""
    kind, _, number = device.partition(":")
    return kind, int(number or 0)


def kind_of(provider: str) -> str:
    """``cpu``, ``cuda`` or ``tensorrt``, of an execution provider's name."""
    return provider.removesuffix("ExecutionProvider").lower()


def pinned_memory() -> onnxruntime.OrtMemoryInfo | None:
    """Memory of this machine that CUDA's devices read and write by themselves; None without."""
    for device in onnxruntime.get_ep_devices():
        if device.ep_name == _CUDA:
            return device.memory_info(onnxruntime.OrtDeviceMemoryType.HOST_ACCESSIBLE)
    return None


def has_cuda() -> bool:
    """Whether this ONNX Runtime was built with CUDA; whether it runs, only a session shows."""
    return _CUDA in onnxruntime.get_available_providers()


def stray_nodes(assignments: Sequence[Assignment]) -> Sequence[str]:
    """The nodes that compute and landed on the CPU, each as name (operator)."""
    return [
        f"{node.name} ({node.op_type})"
        for assignment in assignments
        if assignment.ep_name == _CPU
        for node in assignment.get_nodes()
        if node.op_type not in _ON_SHAPES or node.name.startswith(COMPUTES)
    ]


def _remedy(asked: str) -> str:
    if asked == _TENSORRT:
        return "Install TensorRT (tensorrt-cu13) beside faceapi[gpu]; else unset MODEL_TENSORRT"
    return "For cuda:N install faceapi[gpu] and a driver for CUDA 13; else set MODEL_DEVICE=cpu"


def _options(device: str) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    if device != "cpu":
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options
