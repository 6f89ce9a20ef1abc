"""What OpenCV and numpy do around the networks, as ONNX graphs that run where the networks do."""
