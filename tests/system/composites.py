"""Films made of people of the clips: side by side, crossing, hidden, changing places.

Everybody is a patch of a clip, head and shoulders, laid on a wall wherever a scene wants it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from pipeline.messages import Box, CameraId, Capture, Image

RATE = 12.5
_WIDTH, _HEIGHT = 640, 360
_SIDE = 200
_MIDDLE = 60
"""Pixels from the middle of a patch within which its own face lies; any other is behind it."""
_PLACES = {
    "A": ("head-pose-face-detection-female", (300, 60, 340)),
    "B": ("head-pose-face-detection-male", (300, 40, 380)),
    "C": ("face-demographics-walking-and-pause", (380, 90, 200)),
}
"""Whose patch is where: the clip, and left, top and side of a square, in its pixels."""

Where = tuple[str, float, float]
"""A person, and where the middle of the patch lies, in parts of the film's width and height."""
Scene = Callable[[float], Sequence[Where]]
"""Who is where at a moment, those behind first."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A picture, and who is where in it."""

    capture: Capture
    people: Sequence[Where]

    def who(self, box: Box) -> str:
        """Whose face a box is: of the patch in front in whose middle it lies, or of the nearest."""
        x, y = box.x + box.width / 2, box.y + box.height / 2
        aside = {
            name: max(abs(x - across * _WIDTH), abs(y - down * _HEIGHT))
            for name, across, down in reversed(self.people)
        }
        middle = (name for name, distance in aside.items() if distance <= _MIDDLE)
        return next(middle, min(aside, key=aside.__getitem__))


def cut_out(test_data: Path) -> Mapping[str, Sequence[Image]]:
    """The patches of everybody, [200, 200, 3] each, frame by frame."""
    patches = dict[str, Sequence[Image]]()
    for name, (clip, (left, top, side)) in _PLACES.items():
        with av.open(str(test_data / "clips" / f"{clip}.mp4")) as film:
            patches[name] = [
                np.asarray(
                    cv2.resize(picture[top : top + side, left : left + side], (_SIDE, _SIDE)),
                    np.uint8,
                )
                for frame in film.decode(video=0)
                for picture in [frame.to_ndarray(format="bgr24")]
            ]
    return patches


def film(
    patches: Mapping[str, Sequence[Image]], scene: Scene, seconds: float, cut_at: float | None
) -> Iterator[Shot]:
    """The pictures of a scene; from ``cut_at`` on the wall is another."""
    for seq in range(round(seconds * RATE)):
        now = seq / RATE
        people = scene(now)
        picture = _wall(7 if cut_at is not None and now >= cut_at else 3)
        for name, across, down in people:
            pictures = patches[name]
            _lay(picture, pictures[seq % len(pictures)], across * _WIDTH, down * _HEIGHT)
        ticks = round(now * 90_000)
        yield Shot(Capture(CameraId("film"), seq, ticks, now, None, picture.copy), people)


def _wall(seed: int) -> Image:
    """Large soft patches of mild colours."""
    colours = np.random.default_rng(seed).integers(60, 200, (4, 7, 3), np.uint8)
    return np.asarray(cv2.resize(colours, (_WIDTH, _HEIGHT)), np.uint8)


def _lay(picture: Image, patch: Image, x: float, y: float) -> None:
    """Paint a patch around a place; what lies outside is cut off."""
    left, top = round(x) - _SIDE // 2, round(y) - _SIDE // 2
    rows = slice(max(top, 0), min(top + _SIDE, _HEIGHT))
    columns = slice(max(left, 0), min(left + _SIDE, _WIDTH))
    if rows.start < rows.stop and columns.start < columns.stop:
        part = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        picture[rows, columns] = part
