"""A network joined with what is done before and after it, so that nothing leaves the device."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, compose, version_converter

from pipeline.errors import Misconfigured
from pipeline.graphs.sampling import PARTS, sampler
from pipeline.packs.graph import GraphBuilder
from pipeline.views import Colours

VECTORS = "normed/vectors"
_RAW = "normed/raw"
_OPSET = 13
_OLDEST = 11
"""ONNX's operator set that the graphs around a network need; an older network is brought to 13."""
_OLDEST_IR = 4
"""The version of ONNX's files from which weights need no input of their own."""
_NOT_JOINED = (IndexError, RuntimeError, ValueError, onnx.checker.ValidationError)
_AXES_ARE_AN_INPUT = 18
"""The operator set from which ReduceL2 takes its axes so."""


def joined(file: Path, colours: Colours, *, vectors: bool = False) -> onnx.ModelProto:
    """The network in ``file``, shown parts of pictures: its inputs are those of the sampler.

    A network that was published for one picture at a time may be asked for several here; whether
    it can, shows when it is run.

    Args:
        file: with one input [n, 3, height, width], float32; n may be fixed to 1.
        colours: how it is fed.
        vectors: whether its one output, [n, dimension], becomes ``VECTORS`` of Euclidean length 1
            (not a number, where there is no direction). Else its outputs stay as they are.

    Raises:
        Misconfigured: it is no network of this kind.
    """
    try:
        return _joined(_loaded(file), colours, vectors=vectors)
    except _NOT_JOINED as error:
        raise Misconfigured(f"{file.name} cannot be joined with other graphs: {error}") from error


def _joined(network: onnx.ModelProto, colours: Colours, *, vectors: bool) -> onnx.ModelProto:
    for value in (network.graph.input[0], *network.graph.output):
        _free(value)
    whole = compose.merge_models(
        sampler(colours, _opset(network), network.ir_version),
        network,
        io_map=[(PARTS, network.graph.input[0].name)],
    )
    if vectors:
        whole = compose.merge_models(
            whole,
            _unit(_opset(network), network.ir_version),
            io_map=[(network.graph.output[0].name, _RAW)],
            outputs=[VECTORS],
        )
    return whole


def input_shape(file: Path) -> tuple[int | str | None, ...]:
    """[n, channels, height, width] of the network itself: numbers, or names where it is free."""
    sizes = _loaded(file).graph.input[0].type.tensor_type.shape.dim
    return tuple(size.dim_value or size.dim_param or None for size in sizes)


def _loaded(file: Path) -> onnx.ModelProto:
    """The network, of an operator set that the graphs around it know, and with one input.

    Old files name their weights as inputs, too. What is said of the values inside is left out: it
    may say one picture.
    """
    network = onnx.load(file)
    network.ir_version = max(network.ir_version, _OLDEST_IR)
    if _opset(network) < _OLDEST:
        network = version_converter.convert_version(network, _OPSET)
    weights = {constant.name for constant in network.graph.initializer}
    inputs = [value for value in network.graph.input if value.name not in weights]
    del network.graph.input[:]
    network.graph.input.extend(inputs)
    del network.graph.value_info[:]
    return network


def _free(value: onnx.ValueInfoProto) -> None:
    """Let the first size be any: of one picture, or of all its anchors, it says 1 or a number."""
    value.type.tensor_type.shape.dim[0].dim_param = f"any/{value.name}"


def _unit(opset: int, ir_version: int) -> onnx.ModelProto:
    """Rows to rows of Euclidean length 1."""
    builder = GraphBuilder(opset, ir_version, prefix="normed/")
    if opset < _AXES_ARE_AN_INPUT:
        length = builder.node("ReduceL2", _RAW, axes=[1], keepdims=1)
    else:
        length = builder.node("ReduceL2", _RAW, builder.constant([1], np.int64), keepdims=1)
    builder.node("Div", _RAW, length, output=VECTORS)
    rows = (TensorProto.FLOAT, ["row", "dimension"])
    return builder.graph("unit", {_RAW: rows}, {VECTORS: rows})


def _opset(model: onnx.ModelProto) -> int:
    """Of ONNX's own operators."""
    return int(next(entry.version for entry in model.opset_import if not entry.domain))
