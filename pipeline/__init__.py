"""The line of rooms: pictures come in, names go out. Knows no camera, no browser, no SQL."""

import os

# ONNX Runtime's official builds report to their maker unless this is set before they are imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
