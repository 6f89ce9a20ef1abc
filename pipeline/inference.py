"""ONNX Runtime: a network on one device, and the lanes that networks are run in."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ParamSpec, TypeAlias, TypeVar

import cv2
import numpy as np
import onnxruntime
from joblib import cpu_count
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as binding

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


class Network:
    """One ONNX file on one device; safe to run from several threads at once.

    It computes on the thread that calls it and on no other: on a CPU two networks side by side,
    one thread each, do more than one on two threads (ARCHITECTURE.md, Decisions).
    """

    def __init__(self, path: Path, device: str = "cpu") -> None:
        self.device = device
        self._path = path
        self._session = _open(path, device)
        self.inputs = tuple(value.name for value in self._session.get_inputs())
        self.input_shape: tuple[int | str | None, ...] = tuple(self._session.get_inputs()[0].shape)
        self.outputs = {value.name: tuple(value.shape) for value in self._session.get_outputs()}

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
        self._places = Places(count + 1)
        cv2.setNumThreads(1)  # OpenCV's own threads would fight with the lanes for the cores
        sys.setswitchinterval(_TURN)
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="lane")

    async def run(
        self,
        work: Callable[Arguments, Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """What ``work`` returns or raises; it runs on the next free lane."""
        async with self._places.one(Rank.NOW):
            return await asyncio.wrap_future(self._threads.submit(work, *args, **kwargs))

    async def run_ahead(
        self,
        work: Callable[Arguments, Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """The same for what can wait: it runs when nothing else does."""
        async with self._places.one(Rank.AHEAD):
            return await asyncio.wrap_future(self._threads.submit(work, *args, **kwargs))

    @property
    def behind(self) -> float:
        """How many wait for a turn, a lane; below 1 nobody waits long."""
        return self._places.behind / self.count

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Wait until a lane is about to be free for something ahead; whoever waits longest first.

        It is for choosing what to run ahead: a frame that is taken now is not old when it begins.
        """
        return self._places.turn()

    def close(self) -> None:
        """Take no more work, and wait for what is running."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def cores() -> int:
    """Those that this process may use, by its affinity and by its container's limit (cgroups)."""
    return int(cpu_count())


def lane_count(asked: int | None) -> int:
    """As many lanes as asked for, or one a core, but two at least: one waits while one loads."""
    return asked or max(2, cores())


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
        session = onnxruntime.InferenceSession(str(path), _options(), providers=wanted)
    except _NOT_A_MODEL as error:
        raise Misconfigured(f"{path} cannot be run as an ONNX model: {error}") from error
    used, asked = session.get_providers()[0], wanted[0][0]
    if used != asked:
        raise Misconfigured(
            f"MODEL_DEVICE={device} asks for {asked}, but {path.name} was opened on {used}. "
            "For cuda:N install faceapi[gpu] and a driver for CUDA 13; else set MODEL_DEVICE=cpu"
        )
    return session


def _providers(device: str) -> list[tuple[str, dict[str, str]]]:
    """ONNX Runtime's providers for ``cpu`` or ``cuda:N``, the one asked for first."""
    cpu = ("CPUExecutionProvider", dict[str, str]())
    kind, _, number = device.partition(":")
    return (
        [("CUDAExecutionProvider", {"device_id": number or "0"}), cpu] if kind == "cuda" else [cpu]
    )


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return options
