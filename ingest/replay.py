"""A video file as a source: every picture of it, or paced and looped like a camera."""

import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from ingest.footage import Shot, shots
from ingest.handover import Handover, decoded
from ingest.media_clock import TICKS
from pipeline.messages import CameraId, Capture

_AHEAD = 3
"""Frames that are decoded before they are asked for; a 1080p frame takes 6 MB."""


class Replay:
    """A file from its beginning.

    Every frame is given, as fast as it is fetched. ``realtime`` gives them at the video's own
    pace instead, and whoever is slower loses frames, as with a camera. ``loop`` begins again at
    the end, for ever. ``captured_at`` is the frame's pts in seconds and, like ``seq`` and
    ``media_time``, grows on over the loops. Decoding has a thread of its own.
    """

    def __init__(
        self, path: Path, camera: CameraId, *, realtime: bool = False, loop: bool = False
    ) -> None:
        self._path = path
        self._camera = camera
        self._realtime = realtime
        self._loop = loop

    def frames(self) -> AsyncGenerator[Capture, None]:
        """Yield the frames.

        Raises:
            BadInput: no such file, no video in it, or, after the frames that could be read,
                damaged or cut off.
        """
        handover = Handover(1 if self._realtime else _AHEAD, lossless=not self._realtime)
        return decoded(self._decode, handover, f"replay {self._camera}")

    def _decode(self, handover: Handover) -> None:
        began: float | None = None
        media_time = -1
        for seq, shot in enumerate(self._shots()):
            if began is None:
                began = time.monotonic() - shot.moment
            if self._realtime:
                handover.pause(max(0.0, began + shot.moment - time.monotonic()))
            media_time = max(media_time + 1, round(shot.moment * TICKS))
            handover.put(Capture(self._camera, seq, media_time, shot.moment, None, shot.paint))

    def _shots(self) -> Iterator[Shot]:
        shot = None
        for shot in shots(self._path):
            yield shot
        while self._loop and shot is not None:
            end = shot.moment + shot.lasts
            first = None
            for again in shots(self._path):
                first = again.moment if first is None else first
                shot = again._replace(moment=again.moment - first + end)
                yield shot
