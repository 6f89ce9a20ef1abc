"""SCRFD: boxes, scores and five points from one look, and from a small one for large faces.

Guo, Deng, Lattas, Zafeiriou: Sample and Computation Redistribution for Efficient Face Detection,
ICLR 2022. Fed and decoded as InsightFace publishes its networks.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.detect.letterbox import Letterbox
from pipeline.errors import Misconfigured
from pipeline.geometry import Floats, box_of, suppress
from pipeline.inference import Tensor
from pipeline.messages import DetectedFace, Image
from pipeline.stages import PictureNetwork
from pipeline.views import Colours

_STRIDES = (8, 16, 32)
_ANCHORS = 2
"""In each cell of the grid, one after the other."""
_WIDTHS = (1, 4, 10)
"""Numbers an anchor in the three kinds of outputs: score, box, five points."""
COLOURS = Colours(rgb=True, mean=127.5, scale=128.0)
"""As it is fed."""
_EDGE = 192
"""Pixels of a face's longer side, in the first look, from which the small look counts.

The longest stride's anchors are 256 and 512 pixels. Faces beyond 256, which is 40 % of a picture of
640, are missed now and then; so the small look takes over at three quarters of that.
"""

_Found = tuple[Floats, Floats, Floats]
"""Boxes [n, 4], scores [n] and points [n, 5, 2] of anchors, all in pixels of one picture."""


class Scrfd:
    """Finds faces in a picture brought to ``longest_side``, and large ones in a small copy of it.

    Args:
        network: SCRFD with five points as ONNX; input [1, 3, height, width], fed with ``COLOURS``,
            and nine outputs: scores of the strides 8, 16, 32, then boxes, then points, each
            [n, width] or [1, n, width].
        least_score: faces below it are left out; the network's own score, 0..1.
        most_overlap: of two boxes that share more (intersection over union), one goes.
        longest_side: pixels of the first look.
        small_side: pixels of the second one, in which a face that fills the picture is of a size
            that anchors cover. Only faces that are large in the first look's pixels count there.

    Raises:
        Misconfigured: the network has other outputs.
    """

    def __init__(
        self,
        network: PictureNetwork,
        *,
        least_score: float,
        most_overlap: float,
        longest_side: int,
        small_side: int,
    ) -> None:
        self._network = network
        self._heads = _heads(network)
        self._least_score = least_score
        self._most_overlap = most_overlap
        self._first = Letterbox(network.input_shape, longest_side)
        self._small = Letterbox(network.input_shape, small_side)

    def detect(self, image: Image) -> Sequence[DetectedFace]:
        """The faces in ``image``, best score first.

        Raises:
            Misconfigured: the network answers with other shapes than SCRFD's.
        """
        looks = [self._look(image, self._first)]
        edge = _EDGE / self._first.scale(image)
        if max(image.shape[:2]) > edge:
            looks.append(_large(self._look(image, self._small), edge))
        boxes, scores, points = (np.concatenate(part) for part in zip(*looks, strict=True))
        kept = suppress(boxes, scores, self._most_overlap)
        found = zip(boxes[kept], points[kept], scores[kept].tolist(), strict=True)
        return [DetectedFace(box_of(box), five, score) for box, five, score in found]

    def _look(self, image: Image, letterbox: Letterbox) -> _Found:
        """What one look finds, in the pixels of ``image``, nothing suppressed yet."""
        view, scale = letterbox.view(image), letterbox.scale(image)
        outputs = self._network.show(image, view, self._heads)
        levels = []
        for index, stride in enumerate(_STRIDES):
            rows = list(_rows(outputs[index::3], view.canvas, stride))
            columns = view.canvas[0] // stride
            levels.append(_level(rows, columns, stride / scale, self._least_score))
        boxes, scores, points = (np.concatenate(part) for part in zip(*levels, strict=True))
        return boxes, scores, points


def _heads(network: PictureNetwork) -> Sequence[str]:
    """The network's outputs in their order, which is all that tells them apart: they have no names.

    The last size of each, where it is stated, says whether that is so.
    """
    shapes = list(network.outputs.values())
    wanted = [width for width in _WIDTHS for _ in _STRIDES]
    if len(shapes) != len(wanted) or any(
        isinstance(shape[-1], int) and shape[-1] != width
        for shape, width in zip(shapes, wanted, strict=True)
    ):
        raise Misconfigured(
            f"the detector is no SCRFD with five points: its outputs are {shapes}, expected nine, "
            f"which end in {wanted}"
        )
    return tuple(network.outputs)


def _rows(heads: Sequence[Tensor], size: tuple[int, int], stride: int) -> Iterator[Tensor]:
    """Scores, boxes and points of one stride as [anchors, width], whatever stands before."""
    anchors = (size[0] // stride) * (size[1] // stride) * _ANCHORS
    for head, width in zip(heads, _WIDTHS, strict=True):
        if head.size != anchors * width:
            raise Misconfigured(
                f"the detector is no SCRFD: for a picture of {size[0]}x{size[1]} it answered "
                f"{head.shape} at stride {stride}, expected {(anchors, width)}"
            )
        yield head.reshape(anchors, width)


def _level(heads: Sequence[Tensor], columns: int, step: float, least_score: float) -> _Found:
    """What anchors of one stride found; ``step`` is that stride in the picture's pixels.

    Boxes are distances from the anchor's place to left, top, right and bottom, points are offsets
    from there, all in strides. What is not finite, or inside out, is no face.
    """
    found = np.flatnonzero(heads[0][:, 0] >= least_score)
    cells = found // _ANCHORS
    places = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    distances = heads[1][found]
    boxes = np.hstack([places - distances[:, :2], places + distances[:, 2:]]) * step
    points = (heads[2][found].reshape(-1, 5, 2) + places[:, None]) * step
    scores = np.clip(heads[0][found, 0], 0, 1)
    good = np.isfinite(points).all((1, 2)) & np.isfinite(boxes).all(1)
    good &= (boxes[:, 2:] > boxes[:, :2]).all(1)
    return boxes[good], scores[good], points[good]


def _large(found: _Found, edge: float) -> _Found:
    """Those whose longer side is of ``edge`` pixels or more."""
    boxes, scores, points = found
    large = (boxes[:, 2:] - boxes[:, :2]).max(1, initial=0) >= edge
    return boxes[large], scores[large], points[large]
