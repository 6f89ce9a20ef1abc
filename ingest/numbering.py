"""One count of a camera's frames over all its connections."""

from collections.abc import AsyncIterator
from dataclasses import replace

from pipeline.messages import Capture


class Numbering:
    """Goes on counting where the last connection ended; gaps of dropped frames stay gaps."""

    def __init__(self) -> None:
        self._latest = -1

    def skip(self, seq: int) -> None:
        """Count on from after ``seq`` at least: that much was told before, elsewhere."""
        self._latest = max(self._latest, seq)

    async def onwards(self, captures: AsyncIterator[Capture]) -> AsyncIterator[Capture]:
        """``captures``, whose own numbers begin again with each connection, with rising ones."""
        base = 0
        async for capture in captures:
            if base + capture.seq <= self._latest:
                base = self._latest + 1 - capture.seq
            self._latest = base + capture.seq
            yield replace(capture, seq=self._latest)
            del capture  # while the next one is waited for, this one must not be held
