"""Reads dlib's face recognition network from the file that dlib wrote.

dlib writes integers as a length and as many bytes, floats as mantissa and exponent, and a network
as its layers' versions from the outside in, then their contents from the inside out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]

_BLOCK = ("con", "affine", "relu", "con", "affine")
_PLAIN = ("tag1", *_BLOCK, "add1", "relu")
_DOWN = ("tag1", *_BLOCK, "tag2", "skip1", "avg_pool", "add2", "relu")
LAYERS = (
    *("con", "affine", "relu", "max_pool"),
    *_PLAIN * 3,
    *_DOWN,
    *_PLAIN * 3,
    *_DOWN,
    *_PLAIN * 2,
    *_DOWN,
    *_PLAIN * 2,
    *_DOWN,
    *("avg_pool", "fc"),
)
"""dlib's ``anet_type`` from the input on: a ResNet of 29 convolutions."""


@dataclass(frozen=True, slots=True, eq=False)
class DlibLayer:
    """One layer: its kind as in ``LAYERS``, its weights in one row, its numbers by name."""

    kind: str
    weights: Weights
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class DlibNetwork:
    """The mean colour that is subtracted (RGB, 0..255), the input's size, and the layers."""

    mean: Sequence[float]
    height: int
    width: int
    layers: Sequence[DlibLayer]


def read_network(data: bytes) -> DlibNetwork:
    """The network in a file's bytes.

    Raises:
        ValueError: it is another network, or broken.
    """
    reader = _Reader(data)
    reader.expect(1)
    if reader.text() != "loss_metric_2":
        raise ValueError("not dlib's face recognition network")
    reader.skip(reader.number, 2)  # the margin and the threshold it was trained with
    for kind in reversed(LAYERS[1:]):
        reader.expect(1 if kind.startswith(("tag", "skip")) else 2)
    reader.expect(3)
    if reader.text() != "input_rgb_image_sized":
        raise ValueError("a network with another kind of input")
    mean = [reader.number() for _ in range(3)]
    height, width = reader.integer(), reader.integer()
    layers = [_layer(reader, kind, first=index == 0) for index, kind in enumerate(LAYERS)]
    return DlibNetwork(mean, height, width, layers)


class _Reader:
    """What dlib's ``serialize`` writes, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            raise ValueError(f"ends at byte {len(self._data)}, in the middle of a value")
        self._at += count
        return piece

    def integer(self) -> int:
        control = self.take(1)[0]
        length = control & 0x0F
        if control & 0x70 or not 1 <= length <= 8:  # noqa: PLR2004 - bytes of a 64-bit number
            raise ValueError(f"no number at byte {self._at - 1}")
        value = int.from_bytes(self.take(length), "little")
        return -value if control & 0x80 else value

    def number(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        return mantissa * 2.0**exponent

    def text(self) -> str:
        return self.take(self.integer()).decode("ascii", "replace")

    def expect(self, version: int) -> None:
        found = self.integer()
        if found != version:
            raise ValueError(f"version {found} at byte {self._at}, not {version}")

    def tensor(self) -> Weights:
        self.expect(2)
        count = int(np.prod([self.integer() for _ in range(4)]))
        return np.frombuffer(self.take(4 * count), "<f4")

    def alias(self) -> None:
        """A place inside another tensor: four sizes and no data."""
        self.expect(1)
        self.skip(self.integer, 4)

    def skip(self, read: Callable[[], object], times: int) -> None:
        for _ in range(times):
            read()


def _layer(reader: _Reader, kind: str, *, first: bool) -> DlibLayer:
    if kind.startswith(("tag", "skip")):
        return DlibLayer(kind, np.zeros(0, np.float32), MappingProxyType({}))
    written = reader.text()
    read = _CONTENTS.get(written)
    if read is None or not kind.startswith(written.rstrip("_0123456789").removesuffix("_prev")):
        raise ValueError(f"a layer {written!r} where {kind!r} belongs")
    weights, numbers = read(reader)
    reader.take(3)  # flags: set up, gradient stale, output off
    reader.skip(reader.tensor, 3)  # gradients and the last output
    if first:
        reader.integer()  # the sample expansion factor
    return DlibLayer(kind, weights, MappingProxyType(numbers))


_Contents = tuple[Weights, dict[str, int]]


def _convolution(reader: _Reader) -> _Contents:
    weights = reader.tensor()
    names = ("filters", "rows", "columns", "step_y", "step_x", "pad_y", "pad_x")
    numbers = {name: reader.integer() for name in names}
    reader.skip(reader.alias, 2)
    reader.skip(reader.number, 4)  # how fast weights and biases were learned
    return weights, numbers


def _affine(reader: _Reader) -> _Contents:
    weights = reader.tensor()
    reader.skip(reader.alias, 2)
    return weights, {"mode": reader.integer()}


def _pool(reader: _Reader) -> _Contents:
    names = ("rows", "columns", "step_y", "step_x", "pad_y", "pad_x")
    return np.zeros(0, np.float32), {name: reader.integer() for name in names}


def _dense(reader: _Reader) -> _Contents:
    numbers = {"outputs": reader.integer(), "inputs": reader.integer()}
    weights = reader.tensor()
    reader.skip(reader.alias, 2)
    reader.integer()  # whether there is a bias: there is none
    reader.skip(reader.number, 4)
    return weights, numbers


def _nothing(reader: _Reader) -> _Contents:  # noqa: ARG001 - a layer without contents
    return np.zeros(0, np.float32), {}


_CONTENTS: Mapping[str, Callable[[_Reader], _Contents]] = MappingProxyType(
    {
        "con_4": _convolution,
        "affine_": _affine,
        "avg_pool_2": _pool,
        "max_pool_2": _pool,
        "fc_2": _dense,
        "relu_": _nothing,
        "add_prev_": _nothing,
    }
)
