"""Networks of the real ones' shapes and sizes with random weights, for whoever has no others."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

from pipeline.packs.graph import GraphBuilder, Shape

_SEED = 7
_SCRFD_STAGES = ((56, 3), (88, 4), (88, 2), (224, 3))
"""Channels and blocks of SCRFD-10G's backbone (Guo et al., ICLR 2022)."""
_SCRFD_NECK, _SCRFD_HEAD = 56, 80
_IRESNET_50 = ((64, 3), (128, 4), (256, 14), (512, 3))
"""Channels and blocks of ArcFace's ResNet-50 (Deng et al., CVPR 2019)."""
_ANCHORS = 2


class _Convolutions:
    """A graph of convolutions whose values keep their size, and what they cost."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self._random = np.random.default_rng(_SEED)

    def convolved(
        self,
        value: str,
        channels: tuple[int, int],
        *,
        side: int = 3,
        stride: int = 1,
        active: bool = True,
    ) -> str:
        """A convolution from so many channels to so many, and a ReLU."""
        before, after = channels
        kernel = self._random.normal(
            0, (2 / (before * side**2)) ** 0.5, (after, before, side, side)
        )
        result = self.builder.node(
            "Conv",
            value,
            self.builder.constant(kernel),
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[side // 2] * 4,
        )
        return self.builder.node("Relu", result) if active else result

    def block(self, value: str, channels: tuple[int, int], stride: int) -> str:
        """Two convolutions beside a way around them; the sum is halved."""
        after = channels[1]
        inner = self.convolved(value, channels, stride=stride)
        inner = self.convolved(inner, (after, after), active=False)
        around = value
        if channels[0] != after or stride > 1:
            around = self.convolved(value, channels, side=1, stride=stride, active=False)
        whole = self.builder.node("Add", inner, around)
        half = self.builder.node("Mul", whole, self.builder.constant(0.5))
        return self.builder.node("Relu", half)

    def stage(self, value: str, channels: tuple[int, int], blocks: int) -> str:
        """So many blocks, the first of which halves width and height."""
        value = self.block(value, channels, 2)
        for _ in range(blocks - 1):
            value = self.block(value, (channels[1], channels[1]), 1)
        return value


def scrfd_10g(path: Path) -> Path:
    """SCRFD-10G's inputs, outputs, backbone, neck and heads; one picture, as it is published."""
    net = _Convolutions()
    value, channels = net.convolved("input", (3, 28), stride=2), 28
    value = net.convolved(net.convolved(value, (28, 28)), (28, 56))
    value, channels = net.builder.node("MaxPool", value, kernel_shape=[2, 2], strides=[2, 2]), 56
    levels = list[str]()
    for at, (wide, blocks) in enumerate(_SCRFD_STAGES):
        value = (
            net.stage(value, (channels, wide), blocks) if at else _first(net, value, wide, blocks)
        )
        channels = wide
        if at:
            levels.append(net.convolved(value, (wide, _SCRFD_NECK), side=1, active=False))
    heads = [_heads(net, level) for level in levels]
    outputs: dict[str, Shape] = {}
    for kind, width in enumerate((1, 4, 10)):
        for level, head in enumerate(heads):
            name = f"{width}_{level}"
            net.builder.node(
                "Reshape", head[kind], net.builder.constant([-1, width], np.int64), output=name
            )
            outputs[name] = [f"n{level}", width]
    model = net.builder.model("scrfd_10g", [1, 3, "height", "width"], outputs)
    onnx.save(model, path)
    return path


def _first(net: _Convolutions, value: str, wide: int, blocks: int) -> str:
    """The first stage, which keeps width and height."""
    for _ in range(blocks):
        value = net.block(value, (wide, wide), 1)
    return value


def _heads(net: _Convolutions, level: str) -> Sequence[str]:
    """Score, box and points of each anchor, [1, height, width, numbers]."""
    value = net.convolved(level, (_SCRFD_NECK, _SCRFD_HEAD))
    for _ in range(2):
        value = net.convolved(value, (_SCRFD_HEAD, _SCRFD_HEAD))
    answers = [
        net.convolved(value, (_SCRFD_HEAD, _ANCHORS * width), active=False) for width in (1, 4, 10)
    ]
    answers[0] = net.builder.node("Sigmoid", answers[0])
    return [net.builder.node("Transpose", answer, perm=[0, 2, 3, 1]) for answer in answers]


def resnet_50(path: Path) -> Path:
    """ArcFace's ResNet-50: faces [n, 3, 112, 112], vectors [n, 512]."""
    net = _Convolutions()
    value, channels = net.convolved("input", (3, 64)), 64
    for wide, blocks in _IRESNET_50:
        value, channels = net.stage(value, (channels, wide), blocks), wide
    flat = net.builder.node("Flatten", value, axis=1)
    random = np.random.default_rng(_SEED)
    matrix = random.normal(0, (1 / (channels * 49)) ** 0.5, (channels * 49, 512))
    net.builder.node("MatMul", flat, net.builder.constant(matrix), output="vectors")
    onnx.save(net.builder.model("resnet_50", ["n", 3, 112, 112], {"vectors": ["n", 512]}), path)
    return path
