"""A face turned upright and scaled to where its embedder expects eyes, nose and mouth."""

from dataclasses import dataclass

from pipeline.geometry import similarity_transform
from pipeline.messages import Image, Points
from pipeline.warp import warp


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Where the five points lie in a chip of ``size`` (width, height) pixels."""

    points: Points
    size: tuple[int, int]


def align(image: Image, points: Points, template: Template) -> Image:
    """The chip [height, width, 3] of the face whose five points are at ``points``."""
    return warp(image, similarity_transform(points, template.points), template.size)
