"""A camera's video as it is sent to viewers: still encoded."""

import msgspec


class Coded(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One H.264 access unit in Annex B, parameter sets in front of each key picture; no B-frames.

    ``media_time`` is in 90 kHz ticks and strictly grows for each camera. ``encoded`` says that it
    was encoded here; false: it is the camera's own, untouched.
    """

    camera: str
    media_time: int
    key: bool
    encoded: bool
    data: bytes
