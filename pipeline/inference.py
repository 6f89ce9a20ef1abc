"""ONNX Runtime: a network on one device, and the lanes that networks are run in."""

import asyncio
import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ParamSpec, Protocol, Self, TypeAlias, TypeVar

import cv2
import numpy as np
import onnxruntime
from joblib import cpu_count
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as binding

from pipeline.calls import Call
from pipeline.errors import Fatal, Misconfigured
from pipeline.places import Places, Rank

Tensor: TypeAlias = NDArray[np.float32]
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_ERRORS_ONLY = 3
_TURN = 0.0005
"""Seconds after which a thread that computes lets another one into the interpreter.

The event loop asks to be let in after each of its many short waits. By Python's own 5 ms one camera
with one viewer made 8.5 frames a second with a lag (p99) of 500 ms, by this 14.7 of 15 with 10 ms.
"""
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
_BROKEN = (binding.EPFail, binding.Fail, binding.RuntimeException)
_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_ON_SHAPES = frozenset({
    "Cast", "Concat", "Constant", "ConstantOfShape", "Equal", "Expand", "Flatten", "Floor",
    "Gather", "Identity", "Mul", "Div", "Add", "Sub", "Range", "ReduceProd", "Reshape", "Shape",
    "Size", "Slice", "Split", "Squeeze", "Unsqueeze", "Where",
})  # fmt: skip
"""What reckons with sizes: ONNX Runtime keeps that on the CPU on purpose, as it costs nothing."""


class Runnable(Protocol):
    """A network that a stage asks, wherever and however it runs; safe from several threads."""

    device: str
    """As it was asked for."""
    input_shape: tuple[int | str | None, ...]
    outputs: dict[str, tuple[int | str | None, ...]]

    @property
    def used(self) -> str:
        """``cpu`` or ``cuda``: where it runs now."""

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        """The named outputs for the rows of one input tensor [n, ...]."""


class AssignedNode(Protocol):
    """A node of a graph as ONNX Runtime tells of it."""

    @property
    def name(self) -> str:
        """Which node."""

    @property
    def op_type(self) -> str:
        """What it does: ONNX's operator."""


class Assignment(Protocol):
    """Nodes of a graph that one of ONNX Runtime's providers runs."""

    @property
    def ep_name(self) -> str:
        """Which provider."""

    def get_nodes(self) -> Sequence[AssignedNode]:
        """Which."""


class Network:
    """One ONNX file on one device; safe to run from several threads at once.

    It computes on the thread that calls it and on no other: on a CPU two networks side by side,
    one thread each, do more than one on two threads (ARCHITECTURE.md, Decisions).
    """

    def __init__(self, path: Path, device: str = "cpu", asked: str | None = None) -> None:
        """Open ``path`` on ``device`` (``cpu`` or ``cuda:N``), for which ``asked`` was the wish."""
        self.device = asked or device
        self.on = device
        self._path = path
        self._session = _open(path, device)
        self.inputs = tuple(value.name for value in self._session.get_inputs())
        self.input_shape: tuple[int | str | None, ...] = tuple(self._session.get_inputs()[0].shape)
        self.outputs: dict[str, tuple[int | str | None, ...]] = {
            value.name: tuple(value.shape) for value in self._session.get_outputs()
        }

    @property
    def providers(self) -> Sequence[str]:
        """What ONNX Runtime really uses, best first: the only honest word on the device."""
        return list(self._session.get_providers())

    @property
    def used(self) -> str:
        """``cpu`` or ``cuda``: where it runs now, which may change.

        ONNX Runtime's ``run`` moves a network whose device fails to the CPU, and goes on there.
        """
        return self.providers[0].removesuffix("ExecutionProvider").lower()

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        """The named outputs for one input tensor [n, channels, height, width].

        Raises:
            Fatal: the network does not run any more, for any camera.
        """
        try:
            answers: Sequence[Tensor] = self._session.run(list(outputs), {self.inputs[0]: tensor})
        except _BROKEN as error:
            raise Fatal(f"{self._path.name} does not run on {self.device}: {error}") from error
        return answers


class Lanes:
    """A few threads that networks run in, side by side; for one event loop at a time.

    One piece of work more than there are threads is begun, so that none of them idles until the
    event loop has heard that it is free. The others wait in the lines of ``pipeline.places``.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._asker = object()
        self._places = Places(count + 1)
        cv2.setNumThreads(1)  # OpenCV's own threads would fight with the lanes for the cores
        sys.setswitchinterval(_TURN)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="lane")
        self._begun = set[Future[Any]]()

    async def run(
        self,
        work: Callable[Arguments, Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """What ``work`` returns or raises; it runs on the next free lane."""
        async with self._places.one(Rank.NOW):
            return await self._done(work, *args, **kwargs)

    async def run_ahead(
        self,
        work: Callable[Arguments, Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """The same for what can wait: it runs when nothing else does."""
        async with self._places.one(Rank.AHEAD):
            return await self._done(work, *args, **kwargs)

    def for_camera(self) -> Self:
        """The same lanes, for one more who asks: networks that are shared serve askers in turn."""
        lanes = copy.copy(self)
        lanes._asker = object()  # noqa: SLF001 - of its own class
        return lanes

    async def _done(
        self,
        work: Callable[Arguments, Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        call = Call(self._asker)
        try:
            begun = self._threads.submit(lambda: call.do(work, *args, **kwargs))
            self._begun.add(begun)
            begun.add_done_callback(self._begun.discard)
            return await asyncio.wrap_future(begun)
        except asyncio.CancelledError:
            call.gone = True
            raise

    @property
    def behind(self) -> float:
        """How many wait for a turn, a lane; below 1 nobody waits long."""
        return self._places.behind / self.count

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until a lane is about to be free for something ahead; whoever waits longest first.

        It is for choosing what to run ahead: a frame that is taken now is not old when it begins.
        """
        return self._places.turn()

    async def settled(self) -> None:
        """Return when all that is begun by now is over, however it ends."""
        await asyncio.gather(*map(asyncio.wrap_future, list(self._begun)), return_exceptions=True)

    def close(self) -> None:
        """Take no more work, and wait for what is running."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def cores() -> int:
    """Those that this process may use, by its affinity and by its container's limit (cgroups)."""
    return int(cpu_count())


def lane_count(asked: int | None, at_once: int = 1) -> int:
    """As many lanes as asked for, or one a core, but two at least: one waits while one loads.

    Where a network takes several rows ``at_once``, there are lanes for that many and as many more
    that get theirs ready meanwhile: those that wait for a device hold no core.
    """
    return asked or max(2, cores(), 2 * at_once if at_once > 1 else 0)


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
        if node.op_type not in _ON_SHAPES
    ]


def versions() -> Mapping[str, str]:
    """ONNX Runtime's version and the providers it was built with."""
    return {
        "onnxruntime": onnxruntime.__version__,
        "providers built in": ", ".join(onnxruntime.get_available_providers()),
    }


def _open(path: Path, device: str) -> onnxruntime.InferenceSession:
    wanted = _providers(device)
    if device != "cpu":
        onnxruntime.preload_dlls()  # CUDA and cuDNN from their packages: else they are not found
    try:
        session = onnxruntime.InferenceSession(str(path), _options(device), providers=wanted)
    except _NOT_A_MODEL as error:
        raise Misconfigured(f"{path} cannot be run as an ONNX model: {error}") from error
    used, asked = session.get_providers()[0], wanted[0][0]
    if used != asked:
        raise Misconfigured(
            f"MODEL_DEVICE={device} asks for {asked}, but {path.name} was opened on {used}. "
            "For cuda:N install faceapi[gpu] and a driver for CUDA 13; else set MODEL_DEVICE=cpu"
        )
    if used == _CUDA and (strays := stray_nodes(session.get_provider_graph_assignment_info())):
        raise Misconfigured(
            f"MODEL_DEVICE={device}: these nodes of {path.name} would compute on the CPU: "
            f"{', '.join(strays)}. Take another pack, or MODEL_DEVICE=cpu"
        )
    return session


def _providers(device: str) -> list[tuple[str, dict[str, str]]]:
    """ONNX Runtime's providers for ``cpu`` or ``cuda:N``, the one asked for first."""
    cpu = (_CPU, dict[str, str]())
    kind, _, number = device.partition(":")
    return [(_CUDA, {"device_id": number or "0"}), cpu] if kind == "cuda" else [cpu]


def _options(device: str) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    if device != "cpu":
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options
