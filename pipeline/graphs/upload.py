"""Pictures as they arrive on a device: rows of BGR pixels."""

import onnx
from onnx import TensorProto

from pipeline.packs.graph import GraphBuilder, Values

PICTURE, PIXELS = "picture", "pixels"
_BYTES: Values = {PIXELS: (TensorProto.UINT8, ["pixel", 3])}
_TO_BGR = ((2.0172320, 0.0), (-0.3917624, -0.8129676), (0.0, 1.5960267))
"""What U and V, around 0, add to blue, green and red: BT.601 of limited range, as OpenCV has it."""
_LUMA = 1.1643836
"""255/219: from the limited range 16 to 235 to all of it."""


def bgr_upload() -> onnx.ModelProto:
    """``picture``, uint8 [pixel, 3], as it is: a run copies it to where its output is bound."""
    builder = GraphBuilder()
    builder.node("Identity", PICTURE, output=PIXELS)
    return builder.graph("bgr_upload", {PICTURE: (TensorProto.UINT8, ["pixel", 3])}, _BYTES)
