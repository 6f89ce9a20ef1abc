"""Frames a second of the whole line, beside two limits that are measured in the same run.

    python -m tests.bench.throughput CLIP PEOPLE [--pack NAME] [--frames 500] [--rounds 5]

PEOPLE is a folder of folders of photographs. Both limits are as many threads as the line has lanes,
with nothing else to do than

- networks alone: the very network runs that the line made (each network, each input shape, as
  often), on ready tensors;
- decoding and networks: the same, and the clip's pictures, as many as the line had, decoded and
  converted to BGR by PyAV.

Line and limits are measured in turn: on a machine that is shared the ratios are worth more than the
figures.
"""

import argparse
import asyncio
import contextlib
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from pipeline.inference import Network, Tensor
from pipeline.messages import Image
from tests.bench.inputs import console, line_arguments
from tests.bench.line import Line, opened_line

_TARGETS = (0.60, 0.85)
"""Of the networks alone, and of decoding and networks."""

Run = tuple[Network, tuple[int, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Round:
    """Frames a second of the line and of its two limits."""

    line: float
    networks: float
    decoding: float
    """Decoding, conversion and networks."""

    @property
    def ratios(self) -> tuple[float, float]:
        return self.line / self.networks, self.line / self.decoding


@contextlib.contextmanager
def recorded_runs() -> Iterator[list[Run]]:
    """All network runs meanwhile: which network, what shape, which outputs."""
    runs: list[Run] = []
    really = Network.run

    def run(self: Network, tensor: Tensor, outputs: Sequence[str]) -> Sequence[Tensor]:
        runs.append((self, tensor.shape, tuple(outputs)))
        return really(self, tensor, outputs)

    with patch.object(Network, "run", run):
        yield runs


def pictures_of(clip: Path) -> Iterator[Image]:
    """The clip's pictures for ever, decoded and converted by PyAV on the calling thread alone."""
    while True:
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_type = "SLICE"
            stream.codec_context.thread_count = 1
            convert = VideoReformatter()
            for picture in container.decode(stream):
                flat = convert.reformat(picture, format="bgr24", threads=1)
                yield np.asarray(flat.to_ndarray(), np.uint8)


def seconds_alone(runs: Sequence[Run], lanes: int, clip: Path, pictures: int) -> float:
    """How long these network runs and so many pictures of the clip take, in any order.

    Each thread decodes for itself, so that none waits for another.
    """
    tensors = {shape: np.full(shape, 100, np.float32) for _, shape, _ in runs}
    jobs: list[Run | None] = [*runs, *[None] * pictures]
    random.Random(7).shuffle(jobs)  # noqa: S311 - not for secrets
    waiting = iter(jobs)  # shared: gives each job to one thread

    def work() -> None:
        decoded = pictures_of(clip)
        for job in waiting:
            if job is None:
                next(decoded)
            else:
                network, shape, outputs = job
                network.run(tensors[shape], outputs)

    began = time.perf_counter()
    with ThreadPoolExecutor(lanes) as threads:
        for thread in [threads.submit(work) for _ in range(lanes)]:
            thread.result()
    return time.perf_counter() - began


async def one_round(line: Line, frames: int) -> Round:
    """Line and limits over as many frames, one after the other."""
    with recorded_runs() as runs:
        took = await line.seconds(frames)
    lanes = line.engine.lanes.count
    networks = await asyncio.to_thread(seconds_alone, runs, lanes, line.clip, 0)
    decoding = await asyncio.to_thread(seconds_alone, runs, lanes, line.clip, frames)
    done = Round(frames / took, frames / networks, frames / decoding)
    console.print(
        f"line {done.line:.1f} frames/s, networks alone {done.networks:.1f}, decoding and networks "
        f"{done.decoding:.1f}, {len(runs) / frames:.2f} network runs a frame"
    )
    return done


async def measure(args: argparse.Namespace) -> None:
    """Print frames a second of line and limits, round by round, and the median ratios."""
    async with opened_line(args.pack, args.clip, args.people) as line:
        rounds = [await one_round(line, args.frames) for _ in range(args.rounds)]
        pack = line.engine.pack.manifest.id
    networks, decoding = (
        f"{statistics.median(ratios):.2f} (target {target:.2f})"
        for ratios, target in zip(
            zip(*(one.ratios for one in rounds), strict=True), _TARGETS, strict=True
        )
    )
    rate = statistics.median(one.line for one in rounds)
    console.print(
        f"{pack}: the line makes {rate:.1f} frames/s: {networks} of its networks alone, "
        f"{decoding} of decoding and networks",
        style="bold",
    )


def main() -> None:
    """Read the arguments, measure."""
    asyncio.run(measure(line_arguments(__doc__, frames=500)))


if __name__ == "__main__":
    main()
