"""ONNX Runtime on one device: its memory of pixels, and networks that look into it."""

import ctypes
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from pipeline.device.recent import Recent
from pipeline.errors import Fatal, Misconfigured
from pipeline.graphs import upload
from pipeline.graphs.sampling import PIXELS, Rows, grid_inputs, inputs_of
from pipeline.inference import Tensor
from pipeline.messages import Image
from pipeline.sessions import BROKEN, kind_and_number, kind_of, open_session, pinned_memory
from pipeline.views import Grid

_MOST_KINDS = 32
"""Kinds of runs whose buffers are kept: a few sizes of batches of a few sizes of pictures."""


Bytes: TypeAlias = NDArray[np.uint8]


class Asked(NamedTuple):
    """What the rows of a run have in common: the outputs they want, and how they are shown."""

    outputs: tuple[str, ...]
    grid: Grid


class DeviceMemory:
    """A long row of pixels on a device, of which each picture has a part.

    Args:
        device: ``cpu`` or ``cuda:N``.
        size: in pixels.

    Raises:
        Misconfigured: the device is not there, or has not so much room.
    """

    def __init__(self, device: str, size: int) -> None:
        self.device, self.size = device, size
        self._where = kind_and_number(device)
        self._bgr = open_session(upload.bgr_upload(), device, "the upload of pictures")
        self._nv12 = open_session(upload.nv12_upload(), device, "the upload of pictures in NV12")
        try:
            self.pixels = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
                [size, 3], np.uint8, *self._where
            )
        except BROKEN as error:
            raise Misconfigured(
                f"{device} has no room for {3 * size} bytes of pictures "
                f"(INFERENCE_PICTURE_MEMORY): {error}"
            ) from error

    def write(self, first: int, image: Image) -> None:
        """Put the pixels of ``image`` at ``first``, row after row; blocks until they are there.

        They come from where they are: into pinned memory they had to be copied first, which takes
        as long as what the driver does itself.

        Raises:
            Fatal: the device does not work any more.
        """
        pixels = np.ascontiguousarray(image).reshape(-1, 3)
        self._run(self._bgr, {upload.PICTURE: pixels}, first, len(pixels))

    def write_nv12(self, first: int, luma: Bytes, chroma: Bytes) -> None:
        """The same of a picture in NV12, which becomes BGR there.

        Args:
            first: its first pixel.
            luma: [height, width], both even.
            chroma: [height / 2, width / 2, 2], U and V.

        Raises:
            Fatal: as ``write`` does.
        """
        planes = {upload.LUMA: luma, upload.CHROMA: chroma}
        self._run(self._nv12, planes, first, luma.size)

    def _run(
        self,
        session: onnxruntime.InferenceSession,
        inputs: Mapping[str, Bytes],
        first: int,
        pixels: int,
    ) -> None:
        """Let the output come to lie where the picture belongs."""
        place, bound = self.pixels.data_ptr() + 3 * first, session.io_binding()
        try:
            for name, numbers in inputs.items():
                bound.bind_cpu_input(name, np.ascontiguousarray(numbers))
            bound.synchronize_inputs()
            bound.bind_output(upload.PIXELS, *self._where, np.uint8, [pixels, 3], place)
            session.run_with_iobinding(bound)
        except BROKEN as error:
            raise Fatal(f"no picture can be put on {self.device}: {error}") from error


class JoinedNetwork:
    """A joined network (``pipeline.graphs.joined``) that looks into a device's memory.

    What it answers comes into buffers that are used again, in pinned memory where ONNX Runtime has
    it; grids stay on the device. So memory stays flat, and one thread at a time may run it.

    Args:
        model: what is run.
        name: what errors call it.
        memory: where its pictures lie, and where it runs.
        engines: as of ``pipeline.sessions.open_session``.

    Raises:
        Misconfigured: it does not run there.
    """

    def __init__(
        self, model: onnx.ModelProto, name: str, memory: DeviceMemory, engines: Path | None = None
    ) -> None:
        self._name, self._memory = name, memory
        self._where = kind_and_number(memory.device)
        self._session = open_session(model, memory.device, name, engines)
        self._bound = self._session.io_binding()
        self._bound.bind_ortvalue_input(PIXELS, memory.pixels)
        self._grids = Recent[Grid, Mapping[str, onnxruntime.OrtValue]](_MOST_KINDS)
        self._buffers = Recent[tuple[int, Asked], Sequence[HostBuffer]](_MOST_KINDS)
        self.outputs: dict[str, tuple[int | str | None, ...]] = {
            value.name: tuple(value.shape) for value in self._session.get_outputs()
        }

    @property
    def used(self) -> str:
        """``cpu``, ``cuda`` or ``tensorrt``: where it runs now."""
        return kind_of(self._session.get_providers()[0])

    def run(self, rows: Rows, asked: Asked) -> Sequence[Tensor]:
        """What the network says of each part, each output [n, ...].

        Raises:
            Fatal: the network does not run any more, or not with so many.
        """
        try:
            self._bind_inputs(rows, asked.grid)
            answers = self._answers(len(rows), asked)
        except BROKEN as error:
            raise Fatal(f"{self._name} does not run on {self._memory.device}: {error}") from error
        return [_in_rows(answer, len(rows)) for answer in answers]

    def _bind_inputs(self, rows: Rows, grid: Grid) -> None:
        for name, value in self._grids.of(grid, self._on_device).items():
            self._bound.bind_ortvalue_input(name, value)
        for name, numbers in inputs_of(rows).items():
            self._bound.bind_cpu_input(name, numbers)
        self._bound.synchronize_inputs()

    def _on_device(self, grid: Grid) -> Mapping[str, onnxruntime.OrtValue]:
        return {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(numbers, *self._where)
            for name, numbers in grid_inputs(grid).items()
        }

    def _answers(self, count: int, asked: Asked) -> Sequence[Tensor]:
        """Copies, as the buffers are used again. The first run of a kind shows their shapes."""
        buffers = self._buffers.get((count, asked))
        self._bound.clear_binding_outputs()
        for at, name in enumerate(asked.outputs):
            if buffers is None:
                self._bound.bind_output(name)
            else:
                here = buffers[at].numbers
                self._bound.bind_output(name, "cpu", 0, np.float32, here.shape, here.ctypes.data)
        self._session.run_with_iobinding(self._bound)
        if buffers is not None:
            return [buffer.numbers.copy() for buffer in buffers]
        answers: Sequence[Tensor] = self._bound.copy_outputs_to_cpu()
        self._buffers.put((count, asked), [host_buffer(answer.shape) for answer in answers])
        return answers


class HostBuffer(NamedTuple):
    """Memory of this machine, and who owns it: None where it is numpy's own."""

    numbers: Tensor
    owner: onnxruntime.OrtValue | None


def host_buffer(shape: Sequence[int]) -> HostBuffer:
    """Room for float32 [shape], pinned where ONNX Runtime can: devices write there themselves."""
    info = pinned_memory()
    if info is None:
        return HostBuffer(np.empty(shape, np.float32), None)
    owner = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
        list(shape), np.float32, memory_info=info
    )
    raw = (ctypes.c_float * math.prod(shape)).from_address(owner.data_ptr())
    return HostBuffer(np.ctypeslib.as_array(raw).reshape(shape), owner)


def _in_rows(answer: Tensor, count: int) -> Tensor:
    """Rows of a network that was published for one picture stand one behind the other."""
    if len(answer) == count or len(answer) % count:
        return answer
    return answer.reshape(count, -1, *answer.shape[1:])
