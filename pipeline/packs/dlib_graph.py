"""dlib's face recognition network as ONNX.

Input ``input``: float32 [n, 3, 150, 150], RGB, 0..255. Output ``output``: [n, 128], not normalised.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import onnx

from pipeline.packs.dlib_file import DlibLayer, DlibNetwork
from pipeline.packs.graph import GraphBuilder, Shape

Value: TypeAlias = tuple[str, tuple[int, int, int]]
"""A value's name, and its channels, height and width."""


def dlib_graph(network: DlibNetwork) -> onnx.ModelProto:
    """The network with each convolution's affine layer folded into it."""
    builder = GraphBuilder()
    value, tags = _scaled(builder, network), dict[str, Value]()
    for layer, following in pairwise([*network.layers, None]):
        assert layer is not None  # noqa: S101 - only the last is followed by None
        if layer.kind.startswith("tag"):
            tags[layer.kind[3:]] = value
        elif layer.kind.startswith("skip"):
            value = tags[layer.kind[4:]]
        elif layer.kind.startswith("add"):
            value = _added(builder, value, tags[layer.kind[3:]])
        else:
            value = _applied(builder, layer, following, value)
    shape: Shape = ["N", 3, network.height, network.width]
    return builder.model("dlib_face_recognition_resnet_v1", shape, {"output": ["N", 128]})


def _scaled(builder: GraphBuilder, network: DlibNetwork) -> Value:
    mean = builder.constant(np.reshape(network.mean, (1, 3, 1, 1)))
    centred = builder.node("Sub", "input", mean)
    scaled = builder.node("Mul", centred, builder.constant(1 / 256))
    return scaled, (3, network.height, network.width)


def _applied(
    builder: GraphBuilder, layer: DlibLayer, following: DlibLayer | None, value: Value
) -> Value:
    """``value`` after a layer that has one input."""
    name, shape = value
    if layer.kind == "con" and following is not None:
        return _convolved(builder, layer, following, value)
    if layer.kind == "relu":
        return builder.node("Relu", name), shape
    if layer.kind.endswith("_pool"):
        return _pooled(builder, layer, value)
    if layer.kind == "fc":
        return _projected(builder, layer, value)
    return value  # an affine layer: its convolution has it already


def _convolved(builder: GraphBuilder, layer: DlibLayer, affine: DlibLayer, value: Value) -> Value:
    (name, shape), numbers = value, layer.numbers
    filters = numbers["filters"]
    kernel, bias = np.split(layer.weights, [layer.weights.size - filters])
    gain, shift = np.split(affine.weights, [filters])
    folded = kernel.reshape(filters, shape[0], numbers["rows"], numbers["columns"])
    convolved = builder.node(
        "Conv",
        name,
        builder.constant(folded * gain[:, None, None, None]),
        builder.constant(bias * gain + shift),
        kernel_shape=[numbers["rows"], numbers["columns"]],
        strides=[numbers["step_y"], numbers["step_x"]],
        pads=[numbers["pad_y"], numbers["pad_x"]] * 2,
    )
    return convolved, (filters, *_sizes(layer, shape))


def _pooled(builder: GraphBuilder, layer: DlibLayer, value: Value) -> Value:
    (name, shape), numbers = value, layer.numbers
    if numbers["rows"] == 0:  # dlib's way to say: over everything
        return builder.node("GlobalAveragePool", name), (shape[0], 1, 1)
    pooled = builder.node(
        "MaxPool" if layer.kind == "max_pool" else "AveragePool",
        name,
        kernel_shape=[numbers["rows"], numbers["columns"]],
        strides=[numbers["step_y"], numbers["step_x"]],
    )
    return pooled, (shape[0], *_sizes(layer, shape))


def _projected(builder: GraphBuilder, layer: DlibLayer, value: Value) -> Value:
    (name, _), outputs = value, layer.numbers["outputs"]
    matrix = builder.constant(layer.weights.reshape(layer.numbers["inputs"], outputs))
    flat = builder.node("Flatten", name, axis=1)
    return builder.node("MatMul", flat, matrix, output="output"), (outputs, 1, 1)


def _added(builder: GraphBuilder, one: Value, other: Value) -> Value:
    """The sum; dlib takes what one of the two lacks in channels, height or width as zero."""
    shape = tuple(max(pair) for pair in zip(one[1], other[1], strict=True))
    terms = [_grown(builder, value, shape) for value in (one, other)]
    return builder.node("Add", *terms), (shape[0], shape[1], shape[2])


def _grown(builder: GraphBuilder, value: Value, shape: Sequence[int]) -> str:
    name, has = value
    if has == shape:
        return name
    lacks = [wants - size for wants, size in zip(shape, has, strict=True)]
    return builder.node("Pad", name, builder.constant([0] * 5 + lacks, np.int64))


def _sizes(layer: DlibLayer, shape: tuple[int, int, int]) -> tuple[int, int]:
    """Height and width after a window has been moved over the padded value."""
    numbers = layer.numbers
    height = 1 + (shape[1] + 2 * numbers["pad_y"] - numbers["rows"]) // numbers["step_y"]
    width = 1 + (shape[2] + 2 * numbers["pad_x"] - numbers["columns"]) // numbers["step_x"]
    return height, width
