"""One count of a camera's frames over all its connections."""

from collections.abc import AsyncIterator
from dataclasses import replace

from pipeline.messages import Frame


class Numbering:
    """Goes on counting where the last connection ended; gaps of dropped frames stay gaps."""

    def __init__(self) -> None:
        self._latest = -1

    def skip(self, seq: int) -> None:
        """Count on from after ``seq`` at least: that much was told before, elsewhere."""
        self._latest = max(self._latest, seq)

    async def onwards(self, frames: AsyncIterator[Frame]) -> AsyncIterator[Frame]:
        """``frames``, whose own numbers begin again with each connection, with rising ones."""
        base = 0
        async for frame in frames:
            if base + frame.seq <= self._latest:
                base = self._latest + 1 - frame.seq
            self._latest = base + frame.seq
            yield replace(frame, seq=self._latest)
            del frame  # while the next one is waited for, this one must not be held
