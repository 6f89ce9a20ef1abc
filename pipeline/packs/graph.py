"""An ONNX graph, written node by node."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike
from onnx import TensorProto, helper, numpy_helper

_OPSET = 13
_IR_VERSION = 8
"""Of ONNX 1.10: every runtime in use reads it."""

Shape = Sequence[int | str]
Attribute = int | str | Sequence[int]
Values: TypeAlias = Mapping[str, tuple[int, Shape]]
"""Values by name: the type, of ``onnx.TensorProto``, and the shape."""


class GraphBuilder:
    """Collects nodes and constants; each value has a name.

    ``opset`` and ``ir_version`` are those of the network that the graph is to be joined with, and
    ``prefix`` keeps its names, which its nodes have then, too, from those of that network.
    """

    def __init__(
        self, opset: int = _OPSET, ir_version: int = _IR_VERSION, prefix: str = ""
    ) -> None:
        self.opset = opset
        self._ir_version = ir_version
        self._prefix = prefix
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: ArrayLike, dtype: DTypeLike = np.float32) -> str:
        """A new constant's name."""
        name = f"{self._prefix}constant_{len(self._constants)}"
        array = np.ascontiguousarray(value, dtype) if np.ndim(value) else np.asarray(value, dtype)
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def node(
        self, kind: str, *inputs: str, output: str | None = None, **attributes: Attribute
    ) -> str:
        """A new node's output."""
        name = output or f"{self._prefix}{kind.lower()}_{len(self._nodes)}"
        node = helper.make_node(kind, list(inputs), [name], name=name if self._prefix else None)
        node.attribute.extend(helper.make_attribute(*item) for item in attributes.items())
        self._nodes.append(node)
        return name

    def model(self, name: str, shape: Shape, outputs: Mapping[str, Shape]) -> onnx.ModelProto:
        """The checked model with the one input ``input``; all values are float32."""
        made = {output: (TensorProto.FLOAT, sizes) for output, sizes in outputs.items()}
        return self.graph(name, {"input": (TensorProto.FLOAT, shape)}, made)

    def graph(self, name: str, inputs: Values, outputs: Values) -> onnx.ModelProto:
        """The checked model."""
        graph = helper.make_graph(
            self._nodes, name, _values(inputs), _values(outputs), self._constants
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)], producer_name="faceapi"
        )
        model.ir_version = self._ir_version
        onnx.checker.check_model(model)
        return model


def _values(described: Values) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, kind, list(shape))
        for name, (kind, shape) in described.items()
    ]
