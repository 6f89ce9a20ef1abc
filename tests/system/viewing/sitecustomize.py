"""What the overlay's tests want of a service's processes, and no machine does by itself.

In a shard, finding the faces of a frame takes SECONDS_A_FRAME longer: fewer frames are analysed
than the camera sends, and their results come late. In playback, RTP timestamps wrap RTP_WRAPS_AFTER
seconds after a viewer's first picture.
"""

import os
import sys
import time

_MODULUS = 1 << 32

if "api.shards" in sys.orig_argv and (extra := float(os.environ.get("SECONDS_A_FRAME", "0"))):
    from pipeline.recognize import Recognizer

    _detect = Recognizer._detect

    def _detect_slowly(self, capture):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        time.sleep(extra)
        return _detect(self, capture)

    Recognizer._detect = _detect_slowly  # type: ignore[method-assign]

if "api.playback" in sys.orig_argv and (after := float(os.environ.get("RTP_WRAPS_AFTER", "0"))):
    from aiortc import rtcrtpsender
    from aiortc.utils import random32

    def _origin() -> int:
        """aiortc asks for numbers of streams, too: those stay random."""
        if sys._getframe(1).f_code.co_name != "_run_rtp":
            return random32()
        wraps_at = round((time.time() + after) * 90_000)
        return -wraps_at % _MODULUS

    rtcrtpsender.random32 = _origin  # type: ignore[attr-defined]
