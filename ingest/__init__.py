"""The left edge: cameras and files become frames."""
