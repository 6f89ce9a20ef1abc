"""The inputs of a graph that is shown parts of pictures, as a device would hold them."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from pipeline.graphs.sampling import PIXELS, grid_inputs, inputs_of, row_of
from pipeline.messages import Image
from pipeline.views import View


def inputs_for(images: Sequence[Image], views: Sequence[View]) -> Mapping[str, NDArray[np.generic]]:
    """One view of each picture; all views are of one grid."""
    firsts = [0, *accumulate(image.shape[0] * image.shape[1] for image in images)]
    rows = [
        row_of(first, image.shape, view)
        for first, image, view in zip(firsts, images, views, strict=False)
    ]
    (grid,) = {view.grid for view in views}
    pixels = np.concatenate([image.reshape(-1, 3) for image in images])
    return {PIXELS: pixels, **inputs_of(np.concatenate(rows)), **grid_inputs(grid)}
