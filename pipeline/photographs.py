"""Photographs of people, read without trusting them."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Picture
from PIL import ImageOps, UnidentifiedImageError

from pipeline.errors import BadInput
from pipeline.messages import Image, PersonId

MOST_PIXELS = 40_000_000
"""A larger picture is refused before it is decoded."""
_FORMATS = ("BMP", "JPEG", "PNG", "WEBP")
_ALLOWED = f"allowed: {', '.join(_FORMATS)} of at most {MOST_PIXELS // 1_000_000} megapixels"


@dataclass(frozen=True, slots=True)
class Photograph:
    """A file of somebody's folder, not read yet."""

    person: PersonId
    path: Path


def read_photograph(source: Path | bytes) -> Image:
    """The picture as [height, width, 3] in BGR, upright as the camera was held.

    Raises:
        BadInput: it is no picture, broken, cut off, or too large; it says what is allowed.
    """
    data = _bytes(source) if isinstance(source, Path) else source
    try:
        with Picture.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise BadInput(f"it has {picture.width} x {picture.height} pixels; {_ALLOWED}")
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except UnidentifiedImageError as error:
        raise BadInput(f"it is no picture; {_ALLOWED}") from error
    except (OSError, SyntaxError, ValueError, Picture.DecompressionBombError) as error:
        raise BadInput(f"it is broken or cut off ({error}); {_ALLOWED}") from error
    return np.asarray(cv2.cvtColor(np.asarray(upright), cv2.COLOR_RGB2BGR), np.uint8)


def find_photographs(folder: Path) -> Iterator[Photograph]:
    """The files in a folder of folders, a folder a person, in order; hidden ones don't count.

    Raises:
        BadInput: there is no such folder.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; expected a folder of folders, one a person")
    for person in sorted(folder.iterdir()):
        if person.is_dir() and not person.name.startswith("."):
            for path in sorted(person.iterdir()):
                if path.is_file() and not path.name.startswith("."):
                    yield Photograph(PersonId(person.name), path)


def loose_files(folder: Path) -> Iterator[Path]:
    """Files that lie in no person's folder."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            yield path


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"it cannot be read ({error.strerror})") from error
