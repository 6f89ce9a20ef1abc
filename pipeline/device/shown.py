"""A network that looks at pictures on the devices where they lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.batching import Batches
from pipeline.device.pictures import Pictures
from pipeline.device.runtime import Asked, JoinedNetwork
from pipeline.graphs.sampling import row_of
from pipeline.inference import Tensor
from pipeline.messages import Image
from pipeline.views import View


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """The network on one device: the pictures there, and what is asked of them at once."""

    pictures: Pictures
    network: JoinedNetwork
    batches: Batches[Asked]


class OnDevice:
    """A network on one or more devices, shown pictures that are uploaded once.

    A picture goes to the device whose pictures have the fewest users, and whatever is asked of it
    later is asked there. What is asked of one device at a time, of pictures of any size, shares a
    run if it is shown alike.

    Args:
        ways: a device each.
        input_shape: of the network itself, [n, channels, height, width].
        device: as it was asked for.
    """

    def __init__(
        self, ways: Sequence[Way], input_shape: tuple[int | str | None, ...], device: str
    ) -> None:
        self._ways = ways
        self.device, self.input_shape = device, input_shape
        self.outputs: Mapping[str, tuple[int | str | None, ...]] = ways[0].network.outputs

    @property
    def used(self) -> str:
        """Where it runs now: ``cuda``, or ``tensorrt``."""
        return ",".join(sorted({way.network.used for way in self._ways}))

    def show(self, image: Image, view: View, outputs: Sequence[str]) -> Sequence[Tensor]:
        """The named outputs for what ``view`` shows of ``image``, each [1, ...].

        Raises:
            BadInput: the picture is too large for the device.
            Fatal: the network does not run any more, or it was closed.
            CancelledError: of concurrent.futures; the call is gone, nobody hears it.
        """
        way = self._way(image)
        with way.pictures.held(image) as first:
            row = row_of(first, image.shape, view)
            return way.batches.run(row, Asked(tuple(outputs), view.grid))

    def close(self) -> None:
        """Take nothing more; what still waits is answered with an error."""
        for way in self._ways:
            way.batches.close()

    def _way(self, image: Image) -> Way:
        there = (way for way in self._ways if image in way.pictures)
        return next(there, None) or min(self._ways, key=lambda way: way.pictures.busy)
