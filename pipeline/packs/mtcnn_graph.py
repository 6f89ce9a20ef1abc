"""MTCNN's three networks as ONNX, from the weights in the package ``mtcnn``.

Input ``input``: float32 [n, 3, height, width], RGB, 0..255. Outputs: ``bbox``, the shifts of a
box's corners in sides; ``prob``, of a face; of the last network ``landmarks``, five x, then five
y, in sides.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from pipeline.packs.graph import GraphBuilder, Shape

Stage = Literal["proposal", "refinement", "output"]
Weights = Sequence[NDArray[np.float32]]


def mtcnn_graph(stage: Stage, weights: Weights) -> onnx.ModelProto:
    """The network of one stage; ``weights`` in the order of its layers, as Keras keeps them.

    Raises:
        ValueError: the weights are not this stage's.
    """
    builder = _Layers(weights)
    if stage == "proposal":
        model = _proposal(builder)
    elif stage == "refinement":
        model = _refinement(builder)
    else:
        model = _output(builder)
    if not builder.used_up:
        raise ValueError(f"more weights than the {stage} network has layers")
    return model


class _Layers(GraphBuilder):
    """Layers that take their weights one after the other."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self._weights: Iterator[NDArray[np.float32]] = iter(weights)

    @property
    def used_up(self) -> bool:
        return next(self._weights, None) is None

    def scaled(self) -> str:
        """Colours from 0..255 to -1..1."""
        centred = self.node("Sub", "input", self.constant(127.5))
        return self.node("Mul", centred, self.constant(1 / 128))

    def convolution(self, value: str, output: str | None = None) -> str:
        kernel, bias = self._next().transpose(3, 2, 0, 1), self._next()
        return self.node("Conv", value, self.constant(kernel), self.constant(bias), output=output)

    def activated(self, value: str) -> str:
        return self.node("PRelu", value, self.constant(self._next().reshape(-1, 1, 1)))

    def activated_vector(self, value: str) -> str:
        return self.node("PRelu", value, self.constant(self._next()))

    def pooled(self, value: str, side: int, padding: str) -> str:
        return self.node(
            "MaxPool", value, kernel_shape=[side, side], strides=[2, 2], auto_pad=padding
        )

    def flat(self, value: str) -> str:
        """Keras' order: width, height, channels."""
        return self.node("Flatten", self.node("Transpose", value, perm=[0, 3, 2, 1]), axis=1)

    def dense(self, value: str, output: str | None = None) -> str:
        product = self.node("MatMul", value, self.constant(self._next()))
        return self.node("Add", product, self.constant(self._next()), output=output)

    def probability(self, value: str) -> None:
        """Of the second of two classes, a face."""
        begin, end, axis = (self.constant([number], np.int64) for number in (1, 2, 1))
        self.node("Slice", self.node("Softmax", value, axis=1), begin, end, axis, output="prob")

    def _next(self) -> NDArray[np.float32]:
        weights = next(self._weights, None)
        if weights is None:
            raise ValueError("fewer weights than the network has layers")
        return weights


def _proposal(layers: _Layers) -> onnx.ModelProto:
    value = layers.pooled(layers.activated(layers.convolution(layers.scaled())), 2, "SAME_UPPER")
    value = layers.activated(layers.convolution(value))
    value = layers.activated(layers.convolution(value))
    layers.convolution(value, output="bbox")
    layers.probability(layers.convolution(value))
    outputs: dict[str, Shape] = {"bbox": ["N", 4, "h", "w"], "prob": ["N", 1, "h", "w"]}
    return layers.model("mtcnn_proposal", ["N", 3, "H", "W"], outputs)


def _refinement(layers: _Layers) -> onnx.ModelProto:
    value = layers.activated_vector(layers.dense(layers.flat(_body(layers))))
    layers.dense(value, output="bbox")
    layers.probability(layers.dense(value))
    outputs: dict[str, Shape] = {"bbox": ["N", 4], "prob": ["N", 1]}
    return layers.model("mtcnn_refinement", ["N", 3, 24, 24], outputs)


def _output(layers: _Layers) -> onnx.ModelProto:
    value = layers.pooled(_body(layers), 2, "SAME_UPPER")
    value = layers.activated(layers.convolution(value))
    value = layers.activated_vector(layers.dense(layers.flat(value)))
    layers.dense(value, output="bbox")
    layers.dense(value, output="landmarks")
    layers.probability(layers.dense(value))
    outputs: dict[str, Shape] = {"bbox": ["N", 4], "landmarks": ["N", 10], "prob": ["N", 1]}
    return layers.model("mtcnn_output", ["N", 3, 48, 48], outputs)


def _body(layers: _Layers) -> str:
    """What the two later networks begin with."""
    value = layers.pooled(layers.activated(layers.convolution(layers.scaled())), 3, "SAME_UPPER")
    value = layers.pooled(layers.activated(layers.convolution(value)), 3, "VALID")
    return layers.activated(layers.convolution(value))
