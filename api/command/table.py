"""A watch on the terminal: who is there now, and who has been."""

import time
from collections.abc import Iterable
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from api.command.tally import Tally
from pipeline.messages import IdentifiedFace, Result, Status

_REFRESH = 0.2
"""Seconds between two drawings: faster than anyone reads."""
_STYLES = {
    Status.KNOWN: "bold green",
    Status.UNKNOWN: "yellow",
    Status.PENDING: "cyan",
    Status.IGNORED: "dim",
}


class WatchTable:
    """A live table; a context manager, drawn on ``console`` while it is open."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._tally = tally
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._drawn_at = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, result: Result) -> None:
        """Draw this frame, unless the last drawing is fresh."""
        if time.monotonic() - self._drawn_at < _REFRESH:
            return
        self._drawn_at = time.monotonic()
        self._live.update(self._page(result), refresh=True)

    def _page(self, result: Result) -> RenderableType:
        rate = self._tally.frames / max(self._tally.seconds, 1e-3)
        line = f"{result.camera}  frame {result.seq}  {rate:.1f} frames a second"
        seen = ", ".join(self._tally.summary().people) or "nobody yet"
        return Group(Text(line), _faces(result.faces), Text(f"named so far: {seen}", "dim"))


def _faces(faces: Iterable[IdentifiedFace]) -> Table:
    table = Table("track", "who", "similarity", "left", "top", "width", "height")
    for face in sorted(faces, key=lambda face: face.face.found.box.x):
        box, verdict = face.face.found.box, face.verdict
        similarity = "" if verdict.similarity is None else f"{verdict.similarity:.3f}"
        table.add_row(
            str(face.face.track),
            Text(verdict.person or verdict.status, _STYLES[verdict.status]),
            similarity,
            *(f"{number:.0f}" for number in (box.x, box.y, box.width, box.height)),
        )
    return table
