"""An RTSP camera of our own: the demo's, and the tests' with faults."""
