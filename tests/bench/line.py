"""The line from a clip to its results, as ``faceapi watch`` runs it."""

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from api.command.progress import progress_bar
from api.settings.settings import load_settings
from ingest.replay import Replay
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.enroll import enroll_folder
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import CameraId, Capture
from pipeline.stages import Gallery
from pipeline.watch import watch
from tests.bench.inputs import console, pack_for


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A clip, and all that names the people on it."""

    engine: Pipeline
    gallery: Gallery
    clip: Path

    async def seconds(self, frames: int) -> float:
        """How long so many frames take, from the file to the result."""
        results = 0

        def count(*_: object) -> None:
            nonlocal results
            results += 1

        recognizer = self.engine.recognizer(self.gallery)
        began = time.perf_counter()
        source = first_frames(self.clip, frames)
        await watch(source, recognizer, count, self.engine.settings.inference.window)
        took = time.perf_counter() - began
        if results != frames:
            raise RuntimeError(f"{results} results of {frames} frames")
        return took


def open_engine(asked: str, *settings: str) -> Pipeline:
    """The pipeline of a pack (as ``pack_for`` takes it), with ``section.key=value`` overridden."""
    with pack_for(asked) as pack, progress_bar(console) as progress:
        chosen = load_settings(overrides=[f"model.pack={pack}", *settings])
        opened = open_configured_pack(chosen.model, chosen.faceapi.cache_dir, progress)
    return build(chosen, opened)


@contextlib.asynccontextmanager
async def opened_line(asked: str, clip: Path, people: Path) -> AsyncIterator[Line]:
    """The line, warm, with the people of a folder enrolled."""
    engine = open_engine(asked)
    gallery = ExactGallery(engine.pack.manifest.embedder.dimension)
    await enroll_folder(people, engine.enroller(), gallery, console.print)
    line = Line(engine, gallery, clip)
    await line.seconds(50)
    yield line
    engine.close()


async def first_frames(clip: Path, count: int) -> AsyncGenerator[Capture, None]:
    """So many frames of a clip that begins again at its end."""
    async with contextlib.aclosing(Replay(clip, CameraId(clip.stem), loop=True).frames()) as all_:
        async for frame in all_:
            yield frame
            count -= 1
            if count == 0:
                return
