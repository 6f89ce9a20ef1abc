"""The line from a film to its results, as ``faceapi watch`` runs it; its network runs are noted."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from api.command.bench.limits import Run, recorded
from ingest.replay import Replay
from pipeline.build import Pipeline, assemble
from pipeline.enroll import enroll_folder
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import CameraId, Capture
from pipeline.networks import open_sessions, ready
from pipeline.packs.pack import Pack
from pipeline.settings import PipelineSettings
from pipeline.watch import watch

_WARM = 50
"""Frames before anything is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A film, and all that names the people on it; ``runs`` are those of its networks so far."""

    engine: Pipeline
    gallery: ExactGallery
    film: Path
    runs: list[Run]

    async def seconds(self, frames: int) -> float:
        """How long so many frames take, from the file to the result."""
        began = time.perf_counter()
        await self._watch(first_frames(self.film, "film", frames), frames)
        return time.perf_counter() - began

    async def together(self, cameras: int, seconds: float) -> list[float]:
        """Frames a second of each of so many cameras, which all show the film."""
        counts = [0] * cameras

        async def one(number: int) -> None:
            def count(*_: object) -> None:
                counts[number] += 1

            await self._results(first_frames(self.film, f"film {number}", None), count)

        began = time.perf_counter()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for number in range(cameras):
                    group.create_task(one(number))
        took = time.perf_counter() - began
        return [count / took for count in counts]

    async def _watch(self, captures: AsyncGenerator[Capture, None], frames: int) -> None:
        results = 0

        def count(*_: object) -> None:
            nonlocal results
            results += 1

        await self._results(captures, count)
        if results != frames:
            raise RuntimeError(f"{results} results of {frames} frames")

    async def _results(
        self, captures: AsyncGenerator[Capture, None], publish: Callable[..., None]
    ) -> None:
        recognizer, window = (
            self.engine.recognizer(self.gallery),
            self.engine.settings.inference.window,
        )
        async with contextlib.aclosing(captures):
            await watch(captures, recognizer, publish, window)


async def open_line(
    settings: PipelineSettings, pack: Pack, film: Path, people: Path, tell: Callable[[str], None]
) -> Line:
    """The line, warm, with the people of a folder enrolled."""
    runs: list[Run] = []
    networks = recorded(ready(open_sessions(pack.networks, settings.model.device), settings), runs)
    engine = assemble(settings, pack, networks)
    gallery = ExactGallery(pack.manifest.embedder.dimension)
    await enroll_folder(people, engine.enroller(), gallery, tell)
    line = Line(engine, gallery, film, runs)
    await line.seconds(_WARM)
    return line


async def first_frames(film: Path, camera: str, count: int | None) -> AsyncGenerator[Capture, None]:
    """So many frames (None: all there ever are) of a film that begins again at its end."""
    async with contextlib.aclosing(Replay(film, CameraId(camera), loop=True).frames()) as all_:
        async for frame in all_:
            yield frame
            if count is not None:
                count -= 1
                if count == 0:
                    return
