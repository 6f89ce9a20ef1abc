"""From a face in a picture to its vector, on the device where the picture lies."""

from collections.abc import Sequence

import numpy as np

from pipeline.align import Template
from pipeline.errors import BadInput, Misconfigured
from pipeline.extract import FeatureExtractor
from pipeline.geometry import Transform, similarity_transform
from pipeline.graphs.joined import VECTORS
from pipeline.messages import DetectedFace, Image, Vector, Vectors
from pipeline.stages import PictureNetwork, PointFinder
from pipeline.views import View


class DeviceEmbedder:
    """An embedding network joined with what cuts faces out, and with their length.

    Args:
        network: with the output ``VECTORS``.
        size: width and height of a chip, in pixels.
        dimension: of the vectors.
    """

    def __init__(self, network: PictureNetwork, *, size: tuple[int, int], dimension: int) -> None:
        self._network = network
        self._size = size
        self._dimension = dimension

    def embed(self, chips: Sequence[Image]) -> Vectors:
        """One unit vector for each chip, [n, dimension]; no chips, no vectors.

        Raises:
            BadInput, Misconfigured: as ``embed_face`` does.
        """
        vectors = np.zeros((len(chips), self._dimension), np.float32)
        for row, chip in enumerate(chips):
            vectors[row] = self.embed_face(chip, np.eye(2, 3))
        return vectors

    def embed_face(self, image: Image, into: Transform) -> Vector:
        """The unit vector of the face that ``into`` maps ``image`` to as a chip.

        Raises:
            BadInput: the network answered with numbers that are no direction (zero, NaN).
            Misconfigured: it answered with another number of numbers.
        """
        view = View(into, self._size, self._size)
        (answer,) = self._network.show(image, view, (VECTORS,))
        vector: Vector = answer[0]
        if vector.shape != (self._dimension,):
            raise Misconfigured(
                f"the embedder answered {vector.shape}, not {(self._dimension,)} "
                "(MODEL_EMB_DIM, or the pack's embedder.dimension)"
            )
        if not np.isfinite(vector).all():
            raise BadInput("the embedder made no usable vector of this face")
        return vector


class DeviceExtractor(FeatureExtractor):
    """The same, but that the picture's face is cut out where the picture lies already.

    The chip that quality is read off is cut out here as well: it costs a tenth of a millisecond,
    and fetching it from there more.
    """

    def __init__(
        self,
        points: PointFinder,
        template: Template,
        embedder: DeviceEmbedder,
        least_eye_distance: float,
        in_detail: PointFinder | None = None,
    ) -> None:
        super().__init__(points, template, embedder, least_eye_distance, in_detail)
        self._on_device = embedder

    def _vector(self, image: Image, face: DetectedFace, chip: Image) -> Vector:  # noqa: ARG002 - the other way's
        into = similarity_transform(face.points, self._template.points)
        return self._on_device.embed_face(image, into)
