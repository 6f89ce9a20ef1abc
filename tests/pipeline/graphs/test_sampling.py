"""What the graph shows a network, beside what OpenCV makes of the same pictures."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from pipeline.detect.letterbox import Letterbox
from pipeline.graphs.sampling import PARTS, sampler
from pipeline.inference import Tensor
from pipeline.messages import Image
from pipeline.views import Colours, View, fed
from pipeline.warp import warp
from tests.pipeline.graphs.asking import inputs_for

BGR = Colours(rgb=False)
PUBLISHED = [(11, 6), (13, 8), (17, 8), (18, 9)]
"""Operator sets and IR versions that networks come with."""


@pytest.fixture(scope="module")
def frames(test_data: Path) -> Sequence[Image]:
    """Pictures of people: a frame of a film, and one of another size."""
    film = cv2.VideoCapture(str(test_data / "clips" / "face-demographics-walking.mp4"))
    film.set(cv2.CAP_PROP_POS_FRAMES, 20)
    read, frame = film.read()
    assert read
    group = cv2.imread(str(test_data / "faces" / "groups" / "obama_and_biden.jpg"))
    assert group is not None
    return [np.asarray(frame, np.uint8), np.asarray(group, np.uint8)]


def shown(
    images: Sequence[Image],
    views: Sequence[View],
    colours: Colours = BGR,
    published: tuple[int, int] = (13, 8),
) -> Tensor:
    """What the graph makes of one view of each picture."""
    session = onnxruntime.InferenceSession(
        sampler(colours, *published).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (parts,) = session.run([PARTS], inputs_for(images, views))
    return np.asarray(parts)


def turned(image: Image, scale: float, angle: float, size: tuple[int, int] = (112, 112)) -> View:
    """The middle of the picture, turned and scaled."""
    middle, (height, width) = np.array(size) / 2, image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    matrix[:, 2] += middle - np.array([width / 2, height / 2])
    return View(np.asarray(matrix, np.float64), size, size)


def grey_levels_apart(one: Tensor, other: Tensor) -> tuple[float, float]:
    """At most, and on average."""
    apart = np.abs(one - other)
    return float(apart.max()), float(apart.mean())


@pytest.mark.parametrize("published", PUBLISHED)
def test_a_letterbox_is_the_one_that_opencv_makes(
    frames: Sequence[Image], published: tuple[int, int]
) -> None:
    """But for rounding to whole grey levels, which OpenCV does, and its eleven bits of weight."""
    for frame in frames:
        view = Letterbox((1, 3, "height", "width"), 640).view(frame)
        parts = shown([frame], [view], published=published)
        most, mean = grey_levels_apart(parts, fed(frame, view, BGR))
        assert most <= 0.8
        assert mean <= 0.3


@pytest.mark.parametrize(("scale", "angle"), [(1.0, 0), (1.7, 20), (0.8, -35), (0.55, 170)])
def test_a_part_is_the_one_that_opencv_cuts_out(
    frames: Sequence[Image], scale: float, angle: float
) -> None:
    for frame in frames:
        view = turned(frame, scale, angle)
        most, mean = grey_levels_apart(shown([frame], [view]), fed(frame, view, BGR))
        assert most <= 0.6
        assert mean <= 0.3


@pytest.mark.parametrize(("scale", "samples"), [(0.45, 2), (0.3, 3), (0.13, 7)])
def test_where_a_part_is_shrunk_no_pixel_is_skipped(
    frames: Sequence[Image], scale: float, samples: int
) -> None:
    """OpenCV shrinks by area first; here a pixel is the mean of samples. Fine stripes tell."""
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[:, ::2] = 255
    view = turned(stripes, scale, 0)
    assert view.grid.samples == samples
    parts = shown([stripes], [view])
    assert np.abs(parts - 127.5).max() <= 45, "without samples stripes are 0 or 255"
    for frame in frames:
        view = turned(frame, scale, 30)
        _, mean = grey_levels_apart(shown([frame], [view]), fed(frame, view, BGR))
        assert mean <= 3


def test_beyond_the_picture_is_black_to_the_very_edge() -> None:
    white = np.full((40, 60, 3), 255, np.uint8)
    view = View(np.array([[1.0, 0, 10.5], [0, 1.0, 7.25]]), (100, 80), (100, 80))
    parts = shown([white], [view])
    assert np.abs(parts - fed(white, view, BGR)).max() <= 0.5
    assert parts[0, 0, 0, 0] == 0
    assert parts[0, 0, 20, 10] == pytest.approx(127.5), "half in, half out"
    assert parts[0, 0, 79, 99] == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30, 1e-30])
def test_a_map_of_no_use_shows_black_and_breaks_nothing(value: float) -> None:
    white = np.full((40, 60, 3), 255, np.uint8)
    for place in ((0, 0), (0, 2), (1, 1)):
        transform = np.array([[1.0, 0, 0], [0, 1.0, 0]])
        transform[place] = value
        view = View(transform, (32, 32), (32, 32))
        assert 1 <= view.grid.samples <= 8
        parts = shown([white], [view])
        assert np.isfinite(parts).all()
        assert (parts == 0).all() or np.isfinite(value)


def test_what_is_not_shown_of_a_canvas_is_black(frames: Sequence[Image]) -> None:
    """A network of fixed size, shown a small part: not what surrounds that in the picture."""
    part = turned(frames[0], 1.2, 30)
    view = View(part.transform, part.shown, (160, 128))
    expected = fed(frames[0], view, BGR)
    assert expected[0, :, :112, :112].min() > 0
    parts = shown(frames[:1], [view])
    assert parts.shape == (1, 3, 128, 160)
    assert np.abs(parts - expected).max() <= 0.6
    assert parts[0, :, 112:].max() == parts[0, :, :, 112:].max() == 0


def test_parts_of_pictures_of_any_size_share_a_run(frames: Sequence[Image]) -> None:
    tiny = np.random.default_rng(7).integers(0, 255, (1, 1, 3), dtype=np.uint8)
    pictures = [*frames, tiny, frames[0]]
    views = [turned(picture, 0.7, angle) for angle, picture in enumerate(pictures)]
    together = shown(pictures, views)
    for part, picture, view in zip(together, pictures, views, strict=True):
        assert part == pytest.approx(shown([picture], [view])[0], abs=1e-3)


@pytest.mark.parametrize("rgb", [True, False])
def test_colours_are_as_the_network_wants_them(frames: Sequence[Image], rgb: bool) -> None:
    colours = Colours(rgb=rgb, mean=127.5, scale=128.0)
    view = turned(frames[0], 1.0, 0)
    parts = shown(frames[:1], [view], colours)
    assert parts == pytest.approx(fed(frames[0], view, colours), abs=0.6 / 128)
    plain = warp(frames[0], view.transform, view.shown).astype(np.float32).transpose(2, 0, 1)
    expected = ((plain[::-1] if rgb else plain) - 127.5) / 128
    assert parts[0] == pytest.approx(expected, abs=0.6 / 128)
