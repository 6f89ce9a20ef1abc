"""An ONNX graph, written node by node."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike
from onnx import TensorProto, helper, numpy_helper

_OPSET = 13
_IR_VERSION = 8
"""Of ONNX 1.10: every runtime in use reads it."""

Shape = Sequence[int | str]
Attribute = int | str | Sequence[int]


class GraphBuilder:
    """Collects nodes and constants; each value has a name, ``input`` is the first."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: ArrayLike, dtype: DTypeLike = np.float32) -> str:
        """A new constant's name."""
        name = f"constant_{len(self._constants)}"
        array = np.ascontiguousarray(value, dtype) if np.ndim(value) else np.asarray(value, dtype)
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def node(
        self, kind: str, *inputs: str, output: str | None = None, **attributes: Attribute
    ) -> str:
        """A new node's output."""
        name = output or f"{kind.lower()}_{len(self._nodes)}"
        node = helper.make_node(kind, list(inputs), [name])
        node.attribute.extend(helper.make_attribute(*item) for item in attributes.items())
        self._nodes.append(node)
        return name

    def model(self, name: str, shape: Shape, outputs: Mapping[str, Shape]) -> onnx.ModelProto:
        """The checked model; all values are float32."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, list(shape))],
            [
                helper.make_tensor_value_info(output, TensorProto.FLOAT, list(sizes))
                for output, sizes in outputs.items()
            ],
            self._constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="faceapi"
        )
        model.ir_version = _IR_VERSION
        onnx.checker.check_model(model)
        return model
