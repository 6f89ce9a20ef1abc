"""The demo's film: two public portraits that move, come nearer, darken, meet and part.

Eileen Collins' portrait (NASA) comes with scikit-image, Grace Hopper's (US Navy) with matplotlib:
the extra ``demo``. Nothing is downloaded. ``python -m api.command.film FILE`` makes the film.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ingest.virtual.clip import write_clip
from pipeline.errors import Misconfigured
from pipeline.messages import Image
from pipeline.photographs import read_photograph
from pipeline.warp import warp

SIZE = (960, 540)
"""Width and height in pixels."""
RATE = 15
"""Pictures a second."""
SECONDS = 18
"""Length of the film: six seconds each alone, then six together."""
COLLINS, HOPPER = "Eileen Collins", "Grace Hopper"
_PORTRAITS = {
    COLLINS: ("skimage", "data/astronaut.png"),
    HOPPER: ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}


@dataclass(frozen=True, slots=True)
class _Part:
    """Who walks where and when: ``home`` is the middle of the walk in parts of the width."""

    name: str
    begin: float
    end: float
    home: float


_PARTS = (
    _Part(COLLINS, 0, 6, 0.5),
    _Part(HOPPER, 6, 12, 0.5),
    _Part(COLLINS, 12, 18, 0.27),
    _Part(HOPPER, 12, 18, 0.73),
)


def portrait(name: str) -> Path:
    """Where the portrait lies.

    Raises:
        Misconfigured: the package that brings it is not installed.
    """
    package, file = _PORTRAITS[name]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Misconfigured(f"the demo wants {package}: install faceapi[demo]")
    return Path(spec.submodule_search_locations[0]) / file


def pictures() -> Iterator[Image]:
    """The film, picture by picture, [540, 960, 3] in BGR."""
    portraits = {name: read_photograph(portrait(name)) for name in _PORTRAITS}
    wall = _wall()
    for number in range(SECONDS * RATE):
        moment, picture = number / RATE, wall
        for part in _PARTS:
            if part.begin <= moment < part.end:
                picture = _stand(picture, portraits[part.name], part, moment - part.begin)
        yield picture


def _wall() -> Image:
    """A plain wall, lighter above."""
    width, height = SIZE
    shade = np.linspace(150, 70, height)[:, None, None] * np.array([1.0, 0.97, 0.93])
    return np.broadcast_to(shade, (height, width, 3)).astype(np.uint8)


def _stand(picture: Image, face: Image, part: _Part, moment: float) -> Image:
    """``picture`` with the portrait where it stands by then, darker the further away."""
    nearness = 0.5 + 0.5 * math.sin(moment * 1.3)
    grow = (0.55 + 0.3 * nearness) * picture.shape[0] / face.shape[0]
    size = round(face.shape[1] * grow), round(face.shape[0] * grow)
    near = warp(face, np.array([[grow, 0, 0], [0, grow, 0]]), size)
    lit = (near * np.float32(0.65 + 0.35 * nearness)).astype(np.uint8)
    middle = picture.shape[1] * part.home + 60 * math.sin(moment * 0.9)
    return _pasted(picture, lit, round(middle - size[0] / 2))


def _pasted(picture: Image, patch: Image, left: int) -> Image:
    """``picture`` with ``patch`` at its lower edge; what would lie outside is cut off."""
    done = picture.copy()
    begin, end = max(left, 0), min(left + patch.shape[1], picture.shape[1])
    done[-patch.shape[0] :, begin:end] = patch[:, begin - left : end - left]
    return done


if __name__ == "__main__":
    write_clip(Path(sys.argv[1]), pictures(), RATE)
