"""Parts of pictures as a network is to see them: turned, scaled, cut out and in its colours.

Letterbox, close look and aligned face are one thing here: each is an affine map. The pictures lie
as bytes in one long row of pixels, one behind the other, wherever and of whatever size each is; so
parts of many pictures share a run, and nothing is copied but what is looked at. ONNX's GridSample
would want one picture of floats for each part: a face of 112x112 would cost a picture of 1920x1080.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from pipeline.inference import Tensor
from pipeline.packs.graph import GraphBuilder, Values
from pipeline.sessions import COMPUTES
from pipeline.views import Colours, Grid, View

_PREFIX = f"{COMPUTES}sampler/"
PIXELS, FRAMES, MAPS = f"{_PREFIX}pixels", f"{_PREFIX}frames", f"{_PREFIX}maps"
COLUMNS, ROWS = f"{_PREFIX}columns", f"{_PREFIX}rows"
ACROSS, DOWN = f"{_PREFIX}across", f"{_PREFIX}down"
PARTS = f"{_PREFIX}parts"
INPUTS: Values = {
    PIXELS: (TensorProto.UINT8, ["pixel", 3]),
    FRAMES: (TensorProto.INT64, ["n", 3]),
    MAPS: (TensorProto.FLOAT, ["n", 6]),
    COLUMNS: (TensorProto.FLOAT, [1, 1, "width", 1]),
    ROWS: (TensorProto.FLOAT, [1, "height", 1, 1]),
    ACROSS: (TensorProto.FLOAT, [1, 1, 1, "samples"]),
    DOWN: (TensorProto.FLOAT, [1, 1, 1, "samples"]),
}
"""``pixels``: BGR. ``frames``: first pixel, height and width of the picture that each part is of.
``maps``: from the part's pixels to the picture's, a row after the other. ``columns`` and ``rows``
count the part's, and where it stays black they are far away; ``across`` and ``down`` are the
samples that a pixel is the mean of, as seen from its centre, in pixels of the part. The grid comes
as inputs, not as sizes, so that every node computes where the network does.
"""
Rows: TypeAlias = NDArray[np.float64]
"""[n, 9]: what ``FRAMES`` and ``MAPS`` say of each part, in numbers that hold both exactly."""
_FRAME = 3
"""Numbers of a row that are its frame's."""
_NOWHERE = 1e6
"""A column so far away that no turning and scaling of a face brings it into its picture."""
_BEYOND_USE = 1e9
_REVERSED = [2, 1, 0]
_AXES_ARE_AN_INPUT = 18
"""ONNX's operator set from which a reduction takes its axes so."""


def row_of(first: int, shape: Sequence[int], view: View) -> Rows:
    """The row [1, 9] of a part: ``first`` is its picture's first pixel, ``shape`` that one's.

    A map of no use, of points that are no numbers say, shows black: it must not break the run of
    its neighbours.
    """
    back = cv2.invertAffineTransform(view.transform)
    if not np.all(np.abs(back) < _BEYOND_USE):
        back = np.array([[0, 0, -_NOWHERE], [0, 0, -_NOWHERE]])
    return np.concatenate([[first, *shape[:2]], np.ravel(back)])[None]


def inputs_of(rows: Rows) -> Mapping[str, NDArray[np.generic]]:
    """The inputs that differ from part to part."""
    return {
        FRAMES: rows[:, :_FRAME].astype(np.int64),
        MAPS: rows[:, _FRAME:].astype(np.float32),
    }


def grid_inputs(grid: Grid) -> Mapping[str, Tensor]:
    """The inputs that all parts of a run share."""
    steps = (np.arange(grid.samples) + 0.5) / grid.samples - 0.5
    return {
        COLUMNS: _counted(grid.size[0], grid.lit[0]).reshape(1, 1, -1, 1),
        ROWS: _counted(grid.size[1], grid.lit[1]).reshape(1, -1, 1, 1),
        ACROSS: np.tile(steps, grid.samples).astype(np.float32).reshape(1, 1, 1, -1),
        DOWN: np.repeat(steps, grid.samples).astype(np.float32).reshape(1, 1, 1, -1),
    }


def _counted(size: int, lit: int) -> Tensor:
    """0, 1, 2, ...; from ``lit`` on a place that is in no picture."""
    places = np.arange(size, dtype=np.float32)
    places[lit:] = _NOWHERE
    return places


def sampler(colours: Colours, opset: int, ir_version: int) -> onnx.ModelProto:
    """The graph: ``INPUTS`` to ``PARTS``, float32 [n, 3, height, width].

    Each sample is bilinear, as by OpenCV's warpAffine; beyond the picture is black.
    """
    builder = GraphBuilder(opset, ir_version, _PREFIX)
    x, y = _places(builder)
    first, height, width = _split(builder, FRAMES, 3)
    left, right = _neighbours(builder, x, builder.node("Cast", width, to=TensorProto.FLOAT))
    above, below = _neighbours(builder, y, builder.node("Cast", height, to=TensorProto.FLOAT))
    weighted = [
        _weighted(builder, row, column, (first, width))
        for row in (above, below)
        for column in (left, right)
    ]
    value = weighted[0]
    for more in weighted[1:]:
        value = builder.node("Add", value, more)
    _fed(builder, _mean(builder, value), colours)
    outputs: Values = {PARTS: (TensorProto.FLOAT, ["n", 3, "height", "width"])}
    return builder.graph("sampler", INPUTS, outputs)


def _split(builder: GraphBuilder, rows: str, width: int) -> Sequence[str]:
    """Each column of ``rows`` [n, width] as [n, 1, 1, 1]."""
    shape = builder.constant([-1, 1, 1, 1], np.int64)
    columns = [
        builder.node("Gather", rows, builder.constant(at, np.int64), axis=1) for at in range(width)
    ]
    return [builder.node("Reshape", column, shape) for column in columns]


def _places(builder: GraphBuilder) -> tuple[str, str]:
    """Where in the picture each sample lies: x and y, [n, height, width, samples]."""
    a, b, c, d, e, f = _split(builder, MAPS, 6)
    across = builder.node("Add", COLUMNS, ACROSS)
    down = builder.node("Add", ROWS, DOWN)
    x, y = (
        builder.node(
            "Add",
            builder.node("Mul", by_x, across),
            builder.node("Add", builder.node("Mul", by_y, down), shift),
        )
        for by_x, by_y, shift in ((a, b, c), (d, e, f))
    )
    return x, y


def _neighbours(
    builder: GraphBuilder, place: str, size: str
) -> tuple[tuple[str, str], tuple[str, str]]:
    """The two pixels around ``place`` on an axis of ``size``, each as its number and its weight.

    Beyond the picture's edge the number is that of the edge, and the weight 0.
    """
    zero, one = builder.constant(0), builder.constant(1)
    last = builder.node("Sub", size, one)
    before = builder.node("Floor", place)
    part = builder.node("Sub", place, before)
    pairs = [
        (before, builder.node("Sub", one, part)),
        (builder.node("Add", before, one), part),
    ]
    near, far = (_inside(builder, at, weight, (zero, last)) for at, weight in pairs)
    return near, far


def _inside(
    builder: GraphBuilder, at: str, weight: str, bounds: tuple[str, str]
) -> tuple[str, str]:
    zero, last = bounds
    kept = builder.node("Max", builder.node("Min", at, last), zero)
    counts = builder.node("Cast", builder.node("Equal", kept, at), to=TensorProto.FLOAT)
    number = builder.node("Cast", kept, to=TensorProto.INT64)
    return number, builder.node("Mul", weight, counts)


def _weighted(
    builder: GraphBuilder, row: tuple[str, str], column: tuple[str, str], frame: tuple[str, str]
) -> str:
    """What one of the four pixels around a sample adds to it, [n, height, width, samples, 3]."""
    first, width = frame
    line = builder.node("Add", builder.node("Mul", row[0], width), first)
    colour = builder.node("Gather", PIXELS, builder.node("Add", line, column[0]), axis=0)
    weight = builder.node("Mul", row[1], column[1])
    spread = builder.node("Reshape", weight, builder.constant([0, 0, 0, -1, 1], np.int64))
    return builder.node("Mul", builder.node("Cast", colour, to=TensorProto.FLOAT), spread)


def _mean(builder: GraphBuilder, samples: str) -> str:
    """[n, height, width, samples, 3] as [n, height, width, 3]."""
    if builder.opset < _AXES_ARE_AN_INPUT:
        return builder.node("ReduceMean", samples, axes=[3], keepdims=0)
    return builder.node("ReduceMean", samples, builder.constant([3], np.int64), keepdims=0)


def _fed(builder: GraphBuilder, value: str, colours: Colours) -> None:
    if colours.rgb:
        value = builder.node("Gather", value, builder.constant(_REVERSED, np.int64), axis=3)
    if colours.mean:
        value = builder.node("Sub", value, builder.constant(colours.mean))
    if colours.scale != 1:
        value = builder.node("Mul", value, builder.constant(1 / colours.scale))
    builder.node("Transpose", value, output=PARTS, perm=[0, 3, 1, 2])
