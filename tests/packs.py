"""A model pack that is joined from the builtin one and the test data's own networks."""

from pathlib import Path

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
