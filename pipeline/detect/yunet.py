"""YuNet: boxes, scores and five points from one look.

Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector, Machine Intelligence Research, 2023.
The decoding gives the same boxes as OpenCV's FaceDetectorYN.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.detect.letterbox import Letterbox
from pipeline.geometry import Floats, Transform, box_of, suppress
from pipeline.inference import Tensor
from pipeline.messages import DetectedFace, Image
from pipeline.stages import PictureNetwork
from pipeline.views import Colours, View

_STRIDES = (8, 16, 32)
_HEADS = tuple(f"{head}_{stride}" for head in ("cls", "obj", "bbox", "kps") for stride in _STRIDES)
COLOURS = Colours(rgb=False)
"""As it is fed."""
_ROUNDING = 0.999
"""What a product of two scores may lose by rounding, and more."""


class YuNet:
    """Finds faces in a picture brought to ``longest_side``; never enlarges it.

    Args:
        network: YuNet as ONNX; input [1, 3, height, width], fed with ``COLOURS``. Where its height
            and width are fixed, the picture is fitted into them.
        least_score: faces below it are left out; sqrt(class score x objectness), 0..1.
        most_overlap: of two boxes that share more (intersection over union), one goes.
        longest_side: pixels; None for the picture's own size.
    """

    def __init__(
        self,
        network: PictureNetwork,
        *,
        least_score: float,
        most_overlap: float,
        longest_side: int | None = None,
    ) -> None:
        self._network = network
        self._least_score = least_score
        self._most_overlap = most_overlap
        self._letterbox = Letterbox(network.input_shape, longest_side)

    def detect(self, image: Image) -> Sequence[DetectedFace]:
        """The faces in ``image``, best score first."""
        return self._detect(image, self._letterbox.view(image), self._letterbox.scale(image))

    def detect_in(self, image: Image, into: Transform, side: int) -> Sequence[DetectedFace]:
        """The faces in the square of ``side`` pixels that ``into`` maps ``image`` to, in these.

        ``side`` must not exceed a fixed height or width of the network.
        """
        return self._detect(image, self._letterbox.part(into, side), 1.0)

    def _detect(self, image: Image, view: View, scale: float) -> Sequence[DetectedFace]:
        """The faces in view, in its pixels divided by ``scale``."""
        outputs, columns = self._network.show(image, view, _HEADS), view.canvas[0]
        levels = [
            level
            for index, stride in enumerate(_STRIDES)
            if (level := _level(outputs[index::3], stride, columns // stride, self._least_score))
        ]
        if not levels:
            return []
        boxes, scores, points = (np.concatenate(part) for part in zip(*levels, strict=True))
        kept = suppress(boxes, scores, self._most_overlap)
        found = zip(boxes[kept] / scale, points[kept] / scale, scores[kept].tolist(), strict=True)
        return [DetectedFace(box_of(box), five, score) for box, five, score in found]


def _level(
    heads: Sequence[Tensor], stride: int, columns: int, least_score: float
) -> tuple[Floats, Floats, Floats] | None:
    """Boxes [n, 4], scores [n] and points [n, 5, 2] of one stride, in the network's pixels.

    None where there is no face, which is so for most strides of most pictures: the product of the
    two scores tells it in one step.

    Each cell of the grid holds one face: its centre and points as offsets from the cell, its
    sides as logarithms, all in strides.
    """
    classes, objects = heads[0][0, :, 0], heads[1][0, :, 0]
    likely = np.flatnonzero(classes * objects >= least_score * least_score * _ROUNDING)
    if not likely.size:
        return None
    scores = np.sqrt(np.clip(classes[likely], 0, 1) * np.clip(objects[likely], 0, 1))
    found, scores = likely[scores >= least_score], scores[scores >= least_score]
    cells = np.stack([found % columns, found // columns], axis=1).astype(np.float32)
    rows = heads[2][0, found]
    offsets, logarithms = rows[:, :2], rows[:, 2:]
    centres, halves = cells + offsets, np.exp(logarithms) / 2
    boxes = np.hstack([centres - halves, centres + halves]) * stride
    points = (heads[3][0, found].reshape(-1, 5, 2) + cells[:, None]) * stride
    return boxes, scores, points
