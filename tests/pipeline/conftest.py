"""Networks of the real shapes with random weights, for whoever wants no download."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
_STRIDES = (8, 16, 32)


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray[np.float32]],
    *,
    inputs: tuple[str, list[int | str]],
    outputs: dict[str, list[int | str]],
) -> Path:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info(inputs[0], TensorProto.FLOAT, inputs[1])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture(scope="session")
def yunet_graph() -> Callable[[Path, int | None], Path]:
    """Writes YuNet's inputs and outputs with random weights: of a fixed side, or of any."""

    def write(path: Path, side: int | None) -> Path:
        random = np.random.default_rng(7)
        nodes, constants = [], dict[str, NDArray[np.float32]]()
        shape = np.array([1, -1], np.int64)
        for head, width in _HEADS.items():
            for stride in _STRIDES:
                name = f"{head}_{stride}"
                kernel = random.normal(0, 0.2 / stride**2, (width, 3, stride, stride))
                constants[f"w_{name}"] = kernel.astype(np.float32)
                constants[f"s_{name}"] = np.append(shape, width)
                nodes += [
                    helper.make_node(
                        "Conv", ["input", f"w_{name}"], [f"c_{name}"], strides=[stride, stride]
                    ),
                    helper.make_node("Sigmoid", [f"c_{name}"], [f"g_{name}"]),
                    helper.make_node("Transpose", [f"g_{name}"], [f"t_{name}"], perm=[0, 2, 3, 1]),
                    helper.make_node("Reshape", [f"t_{name}", f"s_{name}"], [name]),
                ]
        return _save(
            path,
            nodes,
            constants,
            inputs=("input", [1, 3, side or "height", side or "width"]),
            outputs={
                f"{head}_{stride}": [1, (side // stride) ** 2 if side else f"n{stride}", width]
                for head, width in _HEADS.items()
                for stride in _STRIDES
            },
        )

    return write


@pytest.fixture(scope="session")
def sface_graph() -> Callable[[Path, int], Path]:
    """Writes SFace's input and output, one face at a time, with random weights."""

    def write(path: Path, dimension: int = 128) -> Path:
        random = np.random.default_rng(7)
        kernel = random.normal(0, 1, (dimension, 3, 16, 16)).astype(np.float32)
        nodes = [
            helper.make_node("Conv", ["data", "kernel"], ["maps"], strides=[16, 16]),
            helper.make_node("Relu", ["maps"], ["active"]),
            helper.make_node("GlobalAveragePool", ["active"], ["means"]),
            helper.make_node("Flatten", ["means"], ["fc1"], axis=1),
        ]
        return _save(
            path,
            nodes,
            {"kernel": kernel},
            inputs=("data", [1, 3, 112, 112]),
            outputs={"fc1": [1, dimension]},
        )

    return write


@pytest.fixture(scope="session")
def scrfd_graph() -> Callable[..., Path]:
    """Writes SCRFD's input and nine outputs with random weights.

    Of a fixed side or of any; outputs with a batch's dimension or, as published, without.
    """

    def write(path: Path, *, side: int | None = None, batched: bool = False) -> Path:
        random = np.random.default_rng(7)
        nodes, constants, outputs = (
            [],
            dict[str, NDArray[np.float32]](),
            dict[str, list[int | str]](),
        )
        for kind, width in enumerate((1, 4, 10)):
            for stride in _STRIDES:
                name = str(440 + len(outputs))
                kernel = random.normal(0, 2 / stride, (2 * width, 3, stride, stride))
                constants[f"w{name}"] = kernel.astype(np.float32)
                rows: list[int | str] = [side**2 // stride**2 * 2 if side else f"n{stride}", width]
                outputs[name] = ["batch", *rows] if batched else rows
                shape = [0, -1, width] if batched else [-1, width]
                constants[f"s{name}"] = np.array(shape, np.int64)
                last = "Sigmoid" if kind == 0 else "Identity"
                nodes += [
                    helper.make_node(
                        "Conv", ["input.1", f"w{name}"], [f"c{name}"], strides=[stride, stride]
                    ),
                    helper.make_node("Transpose", [f"c{name}"], [f"t{name}"], perm=[0, 2, 3, 1]),
                    helper.make_node("Reshape", [f"t{name}", f"s{name}"], [f"r{name}"]),
                    helper.make_node(last, [f"r{name}"], [name]),
                ]
        return _save(
            path,
            nodes,
            constants,
            inputs=("input.1", ["batch" if batched else 1, 3, side or "height", side or "width"]),
            outputs=outputs,
        )

    return write
