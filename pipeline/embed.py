"""What a face looks like, as a vector of length 1."""

from collections.abc import Sequence

import numpy as np

from pipeline.errors import BadInput, Misconfigured
from pipeline.inference import Runnable, Tensor
from pipeline.messages import Image, Vectors


class OnnxEmbedder:
    """An embedding network; its vectors are scaled to length 1.

    Args:
        network: input [n, 3, height, width], float32; n may be fixed to 1.
        rgb: whether the network takes RGB; else BGR.
        mean: subtracted from the colours, which are 0..255.
        scale: what they are divided by then.
        dimension: of the vectors.

    Raises:
        Misconfigured: the network says that its vectors have another dimension.
    """

    def __init__(
        self, network: Runnable, *, rgb: bool, mean: float, scale: float, dimension: int
    ) -> None:
        self._network = network
        self._rgb = rgb
        self._mean = mean
        self._scale = scale
        self._output = next(iter(network.outputs))
        self._dimension = dimension
        self._most = network.input_shape[0]
        promised = network.outputs[self._output][-1]
        if isinstance(promised, int) and promised != dimension:
            raise Misconfigured(
                f"the embedder makes {promised} numbers a face, not {dimension} "
                "(MODEL_EMB_DIM, or the pack's embedder.dimension)"
            )

    def embed(self, chips: Sequence[Image]) -> Vectors:
        """One unit vector for each chip, [n, dimension]; no chips, no vectors.

        Raises:
            BadInput: the network answered with numbers that are no direction (zero, NaN).
            Misconfigured: it answered with another number of numbers.
        """
        size = self._most if isinstance(self._most, int) else max(1, len(chips))
        parts = [self._embed(chips[at : at + size]) for at in range(0, len(chips), size)]
        return np.concatenate([np.zeros((0, self._dimension), np.float32), *parts])

    def _embed(self, chips: Sequence[Image]) -> Vectors:
        (raw,) = self._network.run(self._tensor(chips), (self._output,))
        if raw.shape != (len(chips), self._dimension):
            raise Misconfigured(
                f"the embedder answered {raw.shape}, not {(len(chips), self._dimension)} "
                "(MODEL_EMB_DIM, or the pack's embedder.dimension)"
            )
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths) & (lengths > 0)):
            raise BadInput("the embedder made no usable vector of this face")
        return np.asarray(raw / lengths, np.float32)

    def _tensor(self, chips: Sequence[Image]) -> Tensor:
        stacked = np.stack(chips)
        colours = stacked[..., ::-1] if self._rgb else stacked
        return (colours.transpose(0, 3, 1, 2).astype(np.float32) - self._mean) / self._scale
