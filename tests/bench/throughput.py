"""Frames a second of the whole line, beside what its networks alone could do, in the same run.

    python tests/bench/throughput.py CLIP PEOPLE [--pack NAME] [--frames 1000] [--rounds 3]

PEOPLE is a folder of folders of photographs. The limit is what the very network runs that the line
made (each network, each input shape, as often) take on ready tensors, in as many threads as the
line has lanes, with nothing else to do. Line and limit are measured in turn: on a machine that is
shared the ratio is worth more than the figures.
"""

import argparse
import asyncio
import contextlib
import random
import statistics
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import numpy as np
from rich.console import Console

from api.command.progress import progress_bar
from api.gallery.galleries import temporary_gallery
from api.settings.settings import Settings, load_settings
from ingest.replay import Replay
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.enroll import enroll_folder
from pipeline.inference import Network, Tensor
from pipeline.messages import CameraId, Capture
from pipeline.stages import Gallery
from pipeline.watch import watch

Run = tuple[Network, tuple[int, ...], tuple[str, ...]]

console = Console(soft_wrap=True, highlight=False)


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


def seconds_alone(runs: Sequence[Run], lanes: int) -> float:
    """How long the networks alone take for these runs."""
    order = random.Random(7).sample(list(runs), len(runs))  # noqa: S311 - not for secrets
    tensors = {shape: np.full(shape, 100, np.float32) for _, shape, _ in order}
    began = time.perf_counter()
    with ThreadPoolExecutor(lanes) as threads:
        for _ in threads.map(lambda run: run[0].run(tensors[run[1]], run[2]), order):
            pass
    return time.perf_counter() - began


async def first_frames(clip: Path, count: int) -> AsyncGenerator[Capture, None]:
    """So many frames of a clip that begins again at its end."""
    async with contextlib.aclosing(Replay(clip, CameraId(clip.stem), loop=True).frames()) as all_:
        async for frame in all_:
            yield frame
            count -= 1
            if count == 0:
                return


async def seconds_watched(
    engine: Pipeline, gallery: Gallery, clip: Path, frames: int
) -> tuple[float, list[Run]]:
    """How long the whole line takes, from the file to the result."""
    results = 0

    def count(*_: object) -> None:
        nonlocal results
        results += 1

    window = engine.settings.inference.window
    with recorded_runs() as runs:
        began = time.perf_counter()
        source = first_frames(clip, frames)
        await watch(source, engine.recognizer(gallery), count, window)
        took = time.perf_counter() - began
    if results != frames:
        raise RuntimeError(f"{results} results of {frames} frames")
    return took, runs


async def measure(args: argparse.Namespace, settings: Settings) -> None:
    """Print frames a second of line and limit, round by round, and the median ratio."""
    with progress_bar(console) as progress:
        pack = open_configured_pack(settings.model, settings.faceapi.cache_dir, progress)
    engine, ratios = build(settings, pack), []
    async with temporary_gallery(settings.milvus, pack.manifest) as gallery:
        await enroll_folder(args.people, engine.enroller(), gallery, console.print)
        await seconds_watched(engine, gallery, args.clip, 50)  # warm
        for _ in range(args.rounds):
            line, runs = await seconds_watched(engine, gallery, args.clip, args.frames)
            alone = await asyncio.to_thread(seconds_alone, runs, engine.lanes.count)
            ratios.append(alone / line)
            console.print(
                f"line {args.frames / line:.1f} frames/s, networks alone "
                f"{args.frames / alone:.1f}, ratio {ratios[-1]:.2f}, "
                f"{len(runs) / args.frames:.2f} network runs a frame"
            )
    console.print(f"median ratio {statistics.median(ratios):.2f} ({pack.manifest.id})")
    engine.lanes.close()


def main() -> None:
    """Read the arguments, measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("people", type=Path)
    parser.add_argument("--pack", default="builtin")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    asyncio.run(measure(args, load_settings(overrides=[f"model.pack={args.pack}"])))


if __name__ == "__main__":
    main()
