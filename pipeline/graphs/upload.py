"""Pictures as they arrive on a device: rows of BGR pixels."""

import numpy as np
import onnx
from onnx import TensorProto

from pipeline.packs.graph import GraphBuilder, Values

PICTURE, LUMA, CHROMA, PIXELS = "picture", "luma", "chroma", "pixels"
_PIXELS: Values = {PIXELS: (TensorProto.UINT8, ["pixel", 3])}
_BLACK, _NEUTRAL = 16, 128
_LUMA = 255 / 219
"""From 16..235, the limited range of video, to 0..255."""
_CHROMA = ((2.0172, -0.3918, 0.0), (0.0, -0.8130, 1.5960))
"""What U and V, around 0, add to blue, green and red (BT.601, limited range), as OpenCV has it."""


def bgr_upload() -> onnx.ModelProto:
    """``PICTURE``, uint8 [pixel, 3], as it is: a run copies it to where its output is bound."""
    builder = GraphBuilder()
    builder.node("Identity", PICTURE, output=PIXELS)
    return builder.graph("bgr_upload", {PICTURE: (TensorProto.UINT8, ["pixel", 3])}, _PIXELS)


def nv12_upload() -> onnx.ModelProto:
    """The same from NV12, half the bytes: ``LUMA`` [height, width], a byte for each pixel.

    ``CHROMA``, [height / 2, width / 2, 2], has U and V for each square of four, which share them.
    """
    builder = GraphBuilder()
    bright = _less(builder, LUMA, _BLACK)
    bright = builder.node("Mul", bright, builder.constant(_LUMA))
    bright = builder.node("Reshape", bright, builder.constant([-1, 1], np.int64))
    colours = builder.node("MatMul", _of_each_pixel(builder), builder.constant(_CHROMA))
    bgr = builder.node("Round", builder.node("Add", bright, colours))
    bounds = builder.constant(0), builder.constant(255)
    builder.node("Cast", builder.node("Clip", bgr, *bounds), output=PIXELS, to=TensorProto.UINT8)
    planes: Values = {
        LUMA: (TensorProto.UINT8, ["height", "width"]),
        CHROMA: (TensorProto.UINT8, ["rows", "columns", 2]),
    }
    return builder.graph("nv12_upload", planes, _PIXELS)


def _less(builder: GraphBuilder, value: str, zero: int) -> str:
    as_float = builder.node("Cast", value, to=TensorProto.FLOAT)
    return builder.node("Sub", as_float, builder.constant(zero))


def _of_each_pixel(builder: GraphBuilder) -> str:
    """U and V around 0, [pixel, 2]: each twice, to the right and downwards."""
    value = _less(builder, CHROMA, _NEUTRAL)
    value = builder.node("Reshape", value, builder.constant([0, 1, -1, 1, 2], np.int64))
    for axis in (1, 3):
        value = builder.node("Concat", value, value, axis=axis)
    return builder.node("Reshape", value, builder.constant([-1, 2], np.int64))
