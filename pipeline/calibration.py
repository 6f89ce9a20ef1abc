"""How many rows one run of a network should take: tried out, briefly, on the device itself."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.errors import Fatal
from pipeline.inference import Runnable, Tensor

_GAIN = 1.1
"""A batch twice as large must be faster by this factor, or it only makes everyone wait."""
_MOST = 32
_TIMES = 3
"""Runs of each size; the quickest counts. One more before them is for the device to get ready."""
_PIXELS = 32


@dataclass(frozen=True, slots=True)
class Trial:
    """``most`` is the size chosen; ``rates`` are rows a second by size, as far as was tried."""

    most: int
    rates: Mapping[int, float]

    def __str__(self) -> str:
        tried = ", ".join(f"{size}: {rate:.0f}/s" for size, rate in self.rates.items())
        return f"{self.most} at once ({tried or 'its batch is fixed'})"


def tried_out(
    network: Runnable, longest_side: int, clock: Callable[[], float] = time.perf_counter
) -> Trial:
    """The batch that ``network`` is best asked with, doubled as long as that is worth it.

    Args:
        network: one whose batch is fixed, or whose answers are not a row for a row, takes one.
        longest_side: pixels of a picture, where the network leaves that open; it is 16:9.
        clock: seconds.
    """
    if isinstance(network.input_shape[0], int):
        return Trial(1, {})
    return tried(_asking(network, longest_side), clock)


def tried(
    ask: Callable[[int], Sequence[Tensor]], clock: Callable[[], float] = time.perf_counter
) -> Trial:
    """The same for whatever answers so many rows; more than it can take is no error."""
    rates, most, size = dict[int, float](), 1, 1
    while size <= _MOST:
        if not takes(ask, size):
            break
        rates[size] = size / min(_seconds(ask, size, clock) for _ in range(_TIMES))
        if size > 1 and rates[size] < _GAIN * rates[most]:
            break
        most, size = size, size * 2
    return Trial(most, rates)


def takes_several(network: Runnable, longest_side: int) -> bool:
    """Whether the network answers two rows with two."""
    if isinstance(network.input_shape[0], int):
        return False
    return takes(_asking(network, longest_side), 2)


def takes(ask: Callable[[int], Sequence[Tensor]], size: int) -> bool:
    """Whether so many rows are answered with as many.

    Raises:
        Fatal: not even one is.
    """
    try:
        return all(len(answer) == size for answer in ask(size))
    except Fatal:
        if size == 1:
            raise
        return False  # a shape inside is fixed, or the device has no room for more


def _asking(network: Runnable, longest_side: int) -> Callable[[int], Sequence[Tensor]]:
    shape = row_shape(network.input_shape, longest_side)

    def ask(size: int) -> Sequence[Tensor]:
        return network.run(np.zeros((size, *shape), np.float32), tuple(network.outputs))

    return ask


def _seconds(
    ask: Callable[[int], Sequence[Tensor]], size: int, clock: Callable[[], float]
) -> float:
    began = clock()
    ask(size)
    return max(clock() - began, 1e-9)


def row_shape(shape: Sequence[int | str | None], longest_side: int) -> Sequence[int]:
    """[channels, height, width] of a row, with numbers where the network leaves them open."""
    open_sizes = (3, longest_side * 9 // 16, longest_side)
    return [
        size if isinstance(size, int) else -(-usual // _PIXELS) * _PIXELS
        for size, usual in zip(shape[1:], open_sizes, strict=True)
    ]
