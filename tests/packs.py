"""A model pack that is joined from the builtin one and the test data's own networks."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import yaml


def join_yunet_dlib(test_data: Path, folder: Path) -> Path:
    """A manifest in ``folder``: YuNet, of any frame size, with the builtin pack's embedder."""
    shipped = Path(__file__).parents[1] / "configs" / "packs"
    builtin = yaml.safe_load((shipped / "builtin.yaml").read_text())
    zoo = yaml.safe_load((shipped / "opencv-zoo.yaml").read_text())
    detector = {"path": str(test_data / "models" / "yunet_s_dynamic.onnx")}
    networks = {"detector": detector, "embedder": builtin["networks"]["embedder"]}
    joined = builtin | {"id": "yunet-dlib", "networks": networks, "detector": zoo["detector"]}
    manifest = folder / "yunet-dlib.yaml"
    manifest.write_text(yaml.safe_dump(joined))
    return manifest


def turn(manifest: Path, embedder: Path, folder: Path) -> Path:
    """A manifest in ``folder`` whose vectors are those of another one's ``embedder``, turned.

    Similarities of its vectors are the same; beside those of the other pack they mean nothing.
    """
    graph = onnx.load(embedder)
    (output,) = graph.graph.output
    made, turned = output.name, f"{output.name}_turned"
    size = yaml.safe_load(manifest.read_text())["embedder"]["dimension"]
    rotation, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(size, size)))
    weights = onnx.numpy_helper.from_array(rotation.astype(np.float32), "turn")
    graph.graph.initializer.append(weights)
    graph.graph.node.append(onnx.helper.make_node("MatMul", [made, "turn"], [turned]))
    output.name = turned
    onnx.save(graph, folder / "turned.onnx")
    other = yaml.safe_load(manifest.read_text())
    networks = other["networks"] | {"embedder": {"path": str(folder / "turned.onnx")}}
    file = folder / "turned.yaml"
    file.write_text(yaml.safe_dump(other | {"id": "turned", "networks": networks}))
    return file


if __name__ == "__main__":
    print(join_yunet_dlib(Path(sys.argv[1]).resolve(), Path(sys.argv[2])))  # noqa: T201 - its answer
