"""What a network is shown of a picture: the whole of it reduced, or a part turned and scaled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from pipeline.geometry import Transform, scale_of
from pipeline.inference import Runnable, Tensor
from pipeline.messages import Image
from pipeline.warp import warp

_MOST_SAMPLES = 8
"""A face so large that this skips pixels would fill a picture of 900 pixels and more."""


@dataclass(frozen=True, slots=True)
class Colours:
    """How a network is fed: RGB or else BGR, of 0 to 255, less ``mean``, divided by ``scale``."""

    rgb: bool
    mean: float = 0.0
    scale: float = 1.0


class Grid(NamedTuple):
    """What views must have in common to be shown in one run."""

    size: tuple[int, int]
    """Width and height, in pixels."""
    lit: tuple[int, int]
    """Beyond this width and height is black."""
    samples: int
    """A pixel is the mean of so many, each way."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a network is shown of a picture: ``shown`` (width, height) pixels of a ``canvas``.

    They lie at its left and top, the rest is black. ``transform`` maps the picture into them; what
    is outside of the picture is black. ``whole`` says that this is the whole picture, resized.
    """

    transform: Transform
    shown: tuple[int, int]
    canvas: tuple[int, int]
    whole: bool = False

    @property
    def grid(self) -> Grid:
        """Shrunk to less than half, a pixel must be the mean of several, or some are skipped.

        ``pipeline.warp`` shrinks by area then; a resized picture is sampled as it is.
        """
        if self.whole:
            return Grid(self.canvas, self.canvas, 1)
        scale = scale_of(self.transform)
        samples = int(1 / scale) if scale >= 1 / _MOST_SAMPLES else _MOST_SAMPLES
        return Grid(self.canvas, self.shown, max(1, samples))


class OnHost:
    """A network whose pictures are made ready by OpenCV, in the lane that asks.

    Args:
        network: input [n, 3, height, width], float32.
        colours: how it is fed.
    """

    def __init__(self, network: Runnable, colours: Colours) -> None:
        self._network = network
        self._colours = colours
        self.device, self.input_shape = network.device, network.input_shape
        self.outputs: Mapping[str, tuple[int | str | None, ...]] = network.outputs

    @property
    def used(self) -> str:
        """Where it runs now."""
        return self._network.used

    def show(self, image: Image, view: View, outputs: Sequence[str]) -> Sequence[Tensor]:
        """The named outputs for what ``view`` shows of ``image``, each [1, ...]."""
        return self._network.run(fed(image, view, self._colours), outputs)


def fed(image: Image, view: View, colours: Colours) -> Tensor:
    """What ``view`` shows of ``image`` as a network takes it, [1, 3, height, width]."""
    shown = (_resized if view.whole else _cut)(image, view)
    height, width = shown.shape[:2]
    tensor = np.zeros((1, 3, view.canvas[1], view.canvas[0]), np.float32)
    planes = tensor[0, ::-1] if colours.rgb else tensor[0]
    for plane, colour in zip(planes, cv2.split(shown), strict=True):
        plane[:height, :width] = colour  # by colours: in half the time of a transposed copy
    if colours.mean:
        tensor -= colours.mean
    if colours.scale != 1:
        tensor /= colours.scale
    return tensor


def _resized(image: Image, view: View) -> Image:
    if view.shown == (image.shape[1], image.shape[0]):
        return image
    return np.asarray(cv2.resize(image, view.shown, interpolation=cv2.INTER_LINEAR), np.uint8)


def _cut(image: Image, view: View) -> Image:
    return warp(image, view.transform, view.shown)
