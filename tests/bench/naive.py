"""``watch`` beside the loop that one writes first, one a core, over as many frames of one clip.

    python -m tests.bench.naive CLIP PEOPLE [--pack NAME] [--frames 600] [--rounds 5]

The loop reads a frame with OpenCV, finds its faces at 960 pixels, aligns and embeds every face of
every frame, and compares it with everybody. It has the pack's networks, on one thread, and the
project's own decoding of their answers. ``watch`` is one process with all its lanes. They run in
turn; opening networks and enrolling people is not counted.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import cv2
import numpy as np

from pipeline.align import align
from pipeline.embed import OnnxEmbedder
from pipeline.geometry import eye_distance
from pipeline.messages import DetectedFace, Image, Vectors
from pipeline.networks import Networks
from pipeline.photographs import find_photographs, read_photograph
from tests.bench.inputs import console, line_arguments
from tests.bench.line import Line, open_engine, opened_line

_SIDE = 960
"""Pixels of the longest side that faces are found at."""
_TARGET = 2.0


class NaiveLoop:
    """One thread that does everything to every frame, one after the other."""

    def __init__(self, pack: str, people: Path) -> None:
        cv2.setNumThreads(1)
        engine = open_engine(pack, f"detect.max_side={_SIDE}")
        feed = engine.pack.manifest.embedder
        self._detector, self._template = engine.detector, feed.alignment
        if not isinstance(engine.opened, Networks):
            raise SystemExit("the naive loop is for MODEL_DEVICE=cpu")
        self._embedder = OnnxEmbedder(
            engine.opened.by_role["embedder"],
            rgb=feed.colours == "rgb",
            mean=feed.mean,
            scale=feed.scale,
            dimension=feed.dimension,
        )
        self._threshold = engine.threshold
        self._names, self._templates = self._enrolled(people)

    def run(self, clip: Path, frames: int) -> int:
        """Recognize so many frames of a clip that begins again at its end; how many were named."""
        named, film = 0, cv2.VideoCapture(str(clip))
        for _ in range(frames):
            read, image = film.read()
            if not read:
                film = cv2.VideoCapture(str(clip))
                _, image = film.read()
            named += sum(name is not None for name in self._recognized(np.asarray(image, np.uint8)))
        return named

    def _recognized(self, image: Image) -> Sequence[str | None]:
        """Each face's name, if it has one."""
        vectors = self._vectors(image, self._detector.detect(image))
        similarities = vectors @ self._templates.T
        best = similarities.argmax(axis=1)
        return [
            self._names[column] if row[column] >= self._threshold else None
            for row, column in zip(similarities, best, strict=True)
        ]

    def _vectors(self, image: Image, faces: Sequence[DetectedFace]) -> Vectors:
        return self._embedder.embed([align(image, face.points, self._template) for face in faces])

    def _enrolled(self, people: Path) -> tuple[Sequence[str], Vectors]:
        """The largest face of every photograph: whose it is, and its vector."""
        names, vectors = list[str](), list[Vectors]()
        for photograph in find_photographs(people):
            image = read_photograph(photograph.path)
            if faces := self._detector.detect(image):
                largest = max(faces, key=lambda face: eye_distance(face.points))
                names.append(photograph.person)
                vectors.append(self._vectors(image, [largest]))
        return names, np.concatenate(vectors)


def serve_loop(orders: Connection, pack: str, clip: Path, people: Path) -> None:
    """A process's work: say that the loop is ready, then run it as often as it is asked."""
    loop = NaiveLoop(pack, people)
    orders.send(0)
    while frames := orders.recv():
        orders.send(loop.run(clip, frames))


@contextmanager
def loop_process(pack: str, clip: Path, people: Path) -> Iterator[Connection]:
    """A loop in a process of its own, ready; it runs as many frames as it is sent."""
    fresh = multiprocessing.get_context("spawn")
    ours, theirs = fresh.Pipe()
    process = fresh.Process(target=serve_loop, args=(theirs, pack, clip, people), daemon=True)
    process.start()
    theirs.close()
    ours.recv()
    yield ours
    ours.send(0)
    process.join()


def naive_seconds(loops: Sequence[Connection], frames: int) -> float:
    """How long all loops take for their equal parts of these frames, side by side."""
    began = time.perf_counter()
    for loop in loops:
        loop.send(frames // len(loops))
    for loop in loops:
        loop.recv()
    return time.perf_counter() - began


async def one_round(line: Line, loops: Sequence[Connection], frames: int) -> tuple[float, float]:
    """Frames a second of the loops together, and of ``watch``."""
    naive = frames / await asyncio.to_thread(naive_seconds, loops, frames)
    watched = frames / await line.seconds(frames)
    console.print(f"{len(loops)} naive loops {naive:.1f} frames/s, watch {watched:.1f}")
    return naive, watched


async def measure(args: argparse.Namespace) -> None:
    """Print frames a second of both, round by round, and the medians with their ratio."""
    cores = len(os.sched_getaffinity(0))
    frames = args.frames - args.frames % cores
    with ExitStack() as running:
        loops = [
            running.enter_context(loop_process(args.pack, args.clip, args.people))
            for _ in range(cores)
        ]
        naive_seconds(loops, 10 * cores)  # warm
        async with opened_line(args.pack, args.clip, args.people) as line:
            rounds = [await one_round(line, loops, frames) for _ in range(args.rounds)]
            pack = line.engine.pack.manifest.id
    naive, watched = (statistics.median(rates) for rates in zip(*rounds, strict=True))
    ratio = statistics.median(watched / naive for naive, watched in rounds)
    console.print(
        f"{pack}: watch makes {watched:.1f} frames/s, {cores} naive loops together {naive:.1f}: "
        f"{ratio:.2f} times as many (target {_TARGET:.1f})",
        style="bold",
    )


def main() -> None:
    """Read the arguments, measure."""
    asyncio.run(measure(line_arguments(__doc__, frames=600)))


if __name__ == "__main__":
    main()
