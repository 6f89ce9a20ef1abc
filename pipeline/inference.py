"""ONNX Runtime: a network on one device, and the lanes that networks are run in."""

import asyncio
import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ParamSpec, Protocol, Self, TypeAlias, TypeVar

import cv2
import numpy as np
import onnxruntime
from joblib import cpu_count
from numpy.typing import NDArray

from pipeline.calls import Call
from pipeline.errors import Fatal
from pipeline.places import Places, Rank
from pipeline.sessions import BROKEN, kind_of, open_session

Tensor: TypeAlias = NDArray[np.float32]
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_TURN = 0.0005
"""Seconds after which a thread that computes lets another one into the interpreter.

The event loop asks to be let in after each of its many short waits. By Python's own 5 ms one camera
with one viewer made 8.5 frames a second with a lag (p99) of 500 ms, by this 14.7 of 15 with 10 ms.
"""


class Placed(Protocol):
    """A network, wherever it runs."""

    device: str
    """As it was asked for."""

    @property
    def used(self) -> str:
        """``cpu``, ``cuda`` or ``tensorrt``: where it runs now."""


class Runnable(Placed, Protocol):
    """A network that a stage asks, however it runs; safe from several threads."""

    input_shape: tuple[int | str | None, ...]
    outputs: dict[str, tuple[int | str | None, ...]]

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        """The named outputs for the rows of one input tensor [n, ...]."""


class Network:
    """One ONNX file on one device; safe to run from several threads at once.

    It computes on the thread that calls it and on no other: on a CPU two networks side by side,
    one thread each, do more than one on two threads (ARCHITECTURE.md, Decisions).
    """

    def __init__(
        self,
        path: Path,
        device: str = "cpu",
        asked: str | None = None,
        engines: Path | None = None,
    ) -> None:
        """Open ``path`` on ``device`` (``cpu`` or ``cuda:N``), for which ``asked`` was the wish.

        ``engines`` is as of ``pipeline.sessions.open_session``.
        """
        self.device = asked or device
        self.on = device
        self._path = path
        self._session = open_session(path, device, engines=engines)
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
        return kind_of(self.providers[0])

    def run(self, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        """The named outputs for one input tensor [n, channels, height, width].

        Raises:
            Fatal: the network does not run any more, for any camera.
        """
        try:
            answers: Sequence[Tensor] = self._session.run(list(outputs), {self.inputs[0]: tensor})
        except BROKEN as error:
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


def versions() -> Mapping[str, str]:
    """ONNX Runtime's version and the providers it was built with."""
    return {
        "onnxruntime": onnxruntime.__version__,
        "providers built in": ", ".join(onnxruntime.get_available_providers()),
    }
