"""What is measured, each figure and its limit in turn, so that both meet the same machine."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from api.command.bench.figures import Figure
from api.command.bench.limits import seconds_alone
from api.command.bench.line import Line, first_frames
from api.command.bench.queueing import served
from ingest.bare import bare_pictures
from pipeline.gallery.exact import ExactGallery
from pipeline.inference import Lanes
from pipeline.messages import DetectedFace, EnrolledFace, FaceId, Image, PersonId, Vectors

_PICTURES = 60
"""Ready pictures of the film that single stages work on."""
_DIMENSION = 512
_SIZES = (1_000, 10_000, 100_000)
_PROBES = (1, 32)
_LOAD = 0.7
_CAMERAS = 8
_PAGE = 1000
"""Templates that a gallery is given at a time, as shards are."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How many frames a round has, and how many rounds there are."""

    frames: int
    rounds: int


Figures = AsyncIterator[Figure]
Measure = Callable[[Line, Extent], Figures]


async def decoding(line: Line, extent: Extent) -> Figures:
    """Pictures of the film, made into images as lanes make them, beside PyAV alone."""
    rounds = []
    for _ in range(extent.rounds):
        began = time.perf_counter()
        async for capture in first_frames(line.film, "film", extent.frames):
            await line.engine.lanes.run(capture.frame)
        here = time.perf_counter() - began
        alone = await asyncio.to_thread(_bare_seconds, line.film, extent.frames)
        rounds.append((extent.frames / here, extent.frames / alone))
    yield Figure.of_rounds("decode", "pictures/s", "rate", "PyAV on one thread", rounds)


async def detecting(line: Line, extent: Extent) -> Figures:
    """Faces found in ready pictures in all lanes, beside the same network runs alone."""
    pictures = await asyncio.to_thread(_pictures, line.film)
    detect = line.engine.watcher.detect
    work = [partial(detect, one) for one in islice(cycle(pictures), extent.frames)]
    yield await _beside_networks("detect", "pictures/s", line, extent, work)


async def embedding(line: Line, extent: Extent) -> Figures:
    """Faces of ready pictures looked at closely, aligned, embedded; beside the runs alone."""
    pictures = await asyncio.to_thread(_pictures, line.film)
    faces = await asyncio.to_thread(_faces, line, pictures)
    extract = line.engine.extractor.extract
    work = [partial(extract, *one) for one in islice(cycle(faces), extent.frames)]
    yield await _beside_networks("embed", "faces/s", line, extent, work)


async def whole_line(line: Line, extent: Extent) -> Figures:
    """From the file to names, beside its own network runs alone, and these with decoding."""
    networks, decoded = [], []
    for _ in range(extent.rounds):
        line.runs.clear()
        rate = extent.frames / await line.seconds(extent.frames)
        runs, lanes = list(line.runs), line.engine.lanes.count
        alone = await asyncio.to_thread(seconds_alone, runs, lanes, line.film)
        both = await asyncio.to_thread(seconds_alone, runs, lanes, line.film, extent.frames)
        networks.append((rate, extent.frames / alone))
        decoded.append((rate, extent.frames / both))
    same = "its network runs alone, in as many lanes"
    yield Figure.of_rounds("line", "frames/s", "rate", same, networks, 0.9)
    yield Figure.of_rounds("line", "frames/s", "rate", "these and decoding", decoded, 0.85)


async def many_cameras(line: Line, extent: Extent) -> Figures:
    """Eight cameras together beside one, and the smallest share beside an equal one."""
    totals, shares = [], []
    for _ in range(extent.rounds):
        alone = extent.frames / await line.seconds(extent.frames)
        rates = await line.together(_CAMERAS, 2 * extent.frames / alone)
        totals.append((sum(rates), alone))
        shares.append((min(rates), sum(rates) / _CAMERAS))
    name = f"{_CAMERAS} cameras"
    yield Figure.of_rounds(name, "frames/s in all", "rate", "one camera", totals, 0.95)
    yield Figure.of_rounds(name, "frames/s the last", "rate", "an equal share", shares, 0.9)


async def latency(line: Line, extent: Extent) -> Figures:
    """From arrival to result at 70 % load, 95th percentile, beside an ideal queue."""
    pictures, rounds = await asyncio.to_thread(_pictures, line.film), []
    most = extent.frames / await _seconds_of_ready(line, pictures, extent.frames)
    for number in range(extent.rounds):
        gaps = np.random.default_rng(number).exponential(1 / (_LOAD * most), extent.frames)
        found = await served(line, pictures, np.cumsum(gaps).tolist())
        here, ideal = (1000 * float(np.percentile(one, 95)) for one in (found.here, found.ideal))
        rounds.append((here, ideal))
    beside = "an ideal queue, first come, first served"
    yield Figure.of_rounds("frame to result, p95", "ms", "time", beside, rounds, 1.2)


async def searching(line: Line, extent: Extent) -> Figures:  # noqa: ARG001 - it needs no film
    """The exact index beside numpy's product of the same templates and probes."""
    for size in _SIZES:
        vectors, gallery = _unit(size, seed=0), ExactGallery(_DIMENSION)
        faces = [
            EnrolledFace(FaceId(str(row)), PersonId(str(row // 3)), vector)
            for row, vector in enumerate(vectors)
        ]
        began = time.perf_counter()
        for at in range(0, size, _PAGE):
            await gallery.add(faces[at : at + _PAGE])
        loaded = time.perf_counter() - began
        for probes in _PROBES:
            rounds = [
                await _search(gallery, vectors, _unit(probes, seed=1 + number))
                for number in range(3 + 4 * extent.rounds)
            ]
            name = f"search {size} x {_DIMENSION}, {probes} at once"
            yield Figure.of_rounds(name, "ms", "time", "numpy's product", rounds[3:], 1.2)
        if size == max(_SIZES):
            yield Figure(f"load {size} faces", loaded, "s", "time", target=15.0)


async def memory(line: Line, extent: Extent) -> Figures:
    """Resident memory after as many frames again, beside that after the first ones."""
    await line.seconds(extent.frames)
    before = _peak()
    for _ in range(extent.rounds):
        await line.seconds(extent.frames)
    name = f"peak memory after {extent.frames * (1 + extent.rounds)} frames"
    beside = f"after {extent.frames}"
    yield Figure.of_rounds(name, "MiB", "time", beside, [(_peak(), before)], 1.01)


MEASURES: Mapping[str, Measure] = {
    "decode": decoding,
    "detect": detecting,
    "embed": embedding,
    "line": whole_line,
    "cameras": many_cameras,
    "latency": latency,
    "search": searching,
    "memory": memory,
}


async def _beside_networks(
    name: str,
    unit: str,
    line: Line,
    extent: Extent,
    work: Sequence[Callable[[], object]],
) -> Figure:
    rounds, lanes = [], line.engine.lanes
    for _ in range(extent.rounds):
        line.runs.clear()
        began = time.perf_counter()
        await _all(lanes, work)
        here = time.perf_counter() - began
        runs = list(line.runs)
        alone = await asyncio.to_thread(seconds_alone, runs, lanes.count, line.film)
        rounds.append((len(work) / here, len(work) / alone))
    beside = "its network runs alone, in as many lanes"
    return Figure.of_rounds(name, unit, "rate", beside, rounds)


async def _all(lanes: Lanes, work: Sequence[Callable[[], object]]) -> None:
    """Do all of it; for each lane two wait for their turn."""
    waiting = iter(work)

    async def worker() -> None:
        for one in waiting:
            await lanes.run(one)

    await asyncio.gather(*(worker() for _ in range(2 * lanes.count)))


async def _seconds_of_ready(line: Line, pictures: Sequence[Image], frames: int) -> float:
    """How long so many ready pictures take that are all there at once."""
    began = time.perf_counter()
    await served(line, pictures, [0.0] * frames)
    return time.perf_counter() - began


async def _search(gallery: ExactGallery, vectors: Vectors, probes: Vectors) -> tuple[float, float]:
    """Milliseconds of a search, and of the product."""
    began = time.perf_counter()
    await gallery.search(probes)
    searched = time.perf_counter()
    _ = vectors @ probes.T
    return 1000 * (searched - began), 1000 * (time.perf_counter() - searched)


def _bare_seconds(film: Path, pictures: int) -> float:
    began = time.perf_counter()
    for _ in islice(bare_pictures(film), pictures):
        pass
    return time.perf_counter() - began


def _pictures(film: Path) -> Sequence[Image]:
    return list(islice(bare_pictures(film), _PICTURES))


def _faces(line: Line, pictures: Sequence[Image]) -> Sequence[tuple[Image, DetectedFace]]:
    """Every face of the pictures with its picture.

    Raises:
        ValueError: there is none.
    """
    found = list(_found(line, pictures))
    if not found:
        raise ValueError("there is no face in the film")
    return found


def _found(line: Line, pictures: Sequence[Image]) -> Iterator[tuple[Image, DetectedFace]]:
    for picture in pictures:
        for face in line.engine.detector.detect(picture):
            yield picture, face


def _unit(count: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, _DIMENSION)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _peak() -> float:
    """The most memory that this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
