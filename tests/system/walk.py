"""A film that tells of each picture which one it is: by a painted number, and by where a face is.

The number is read from a page's canvas, the face is found by the service: both are independent of
whatever is said to be the picture's number or time.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from api.command.film import COLLINS, portrait
from ingest.virtual.clip import write_clip
from pipeline.messages import Image
from pipeline.photographs import read_photograph

STEPS, STEP = 30, 10
"""The face walks so many steps to the right and back, so many pixels each: far in one frame."""
PICTURES = 2 * STEPS
BITS, BLOCK = 6, 32
"""The number painted into each picture: white squares of so many pixels, the lowest bit first."""

Sample = Mapping[str, Any]
"""A picture as a page drew it: ``painted``, its number, and ``lefts``, the left edges of its boxes
in pixels of the film."""


def film(path: Path, rate: int | Fraction) -> Path:
    """Write a face that walks to and fro, the number of each picture painted into it."""
    walker = np.asarray(cv2.resize(read_photograph(portrait(COLLINS)), (340, 340)), np.uint8)
    wall = np.full((400, 960, 3), 120, np.uint8)

    def pictures() -> Iterator[Image]:
        for number in range(PICTURES):
            picture = wall.copy()
            picture[60:400, place(number) : place(number) + 340] = walker
            yield number_painted(picture, number)

    write_clip(path, pictures(), rate)
    return path


def number_painted(picture: Image, number: int) -> Image:
    """``picture`` with a number in its upper left corner."""
    done = picture.copy()
    for bit in range(BITS):
        colour = 255 if number >> bit & 1 else 0
        done[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = colour
    return done


def place(number: int) -> int:
    """The portrait's left edge in a picture of the film."""
    step = number % PICTURES
    return STEP * min(step, PICTURES - step)


def where_it_belongs(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples whose box lies where the face is in the frame of the painted number."""
    inside = float(np.median([one["lefts"][0] - place(one["painted"]) for one in samples]))
    return [
        one for one in samples if abs(one["lefts"][0] - place(one["painted"]) - inside) < STEP / 2
    ]


READ = """
([bits, block]) => {
  window.samples = []
  window.painted = () => {
    const pixels = document.querySelector('[data-testid=picture]').getContext('2d')
    let number = 0
    for (let bit = 0; bit < bits; bit++) {
      const middle = pixels.getImageData((bit + 0.5) * block, block / 2, 1, 1).data
      if (middle[1] > 127) number |= 1 << bit
    }
    return number
  }
  window.lefts = () => {
    const boxes = document.querySelectorAll('[data-testid=overlay] [data-testid=face] .box')
    return [...boxes].map((box) => Number(box.getAttribute('x')))
  }
}
"""
"""Teaches a page to read the number of the picture on its canvas and the places of its boxes."""
