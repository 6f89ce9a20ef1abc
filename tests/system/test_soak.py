"""Runs that take long: ``make soak``; SOAK scales their length."""

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from api.command.film import COLLINS, RATE, pictures, portrait
from ingest.replay import Replay
from ingest.virtual.clip import write_clip
from pipeline.build import build, open_configured_pack
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import CameraId, EnrolledFace, FaceId, Frame, PersonId, Result
from pipeline.photographs import read_photograph
from pipeline.settings import PipelineSettings
from pipeline.watch import watch

pytestmark = pytest.mark.soak

MINUTES = float(os.environ.get("SOAK", "1"))


def resident() -> int:
    """Bytes of memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_memory_stays_flat_over_a_long_watch(tmp_path: Path) -> None:
    """After a warm half, the second half of the run may not add 20 MB."""
    settings = PipelineSettings()
    pack = open_configured_pack(settings.model, tmp_path, lambda *_: None)
    engine, gallery = build(settings, pack), ExactGallery(pack.manifest.embedder.dimension)
    one = await engine.enroller().portrait(read_photograph(portrait(COLLINS)))
    await gallery.add([EnrolledFace(FaceId("1"), PersonId(COLLINS), one.template)])
    write_clip(tmp_path / "film.mp4", pictures(), RATE)
    held: list[int] = []
    names = set[str]()

    def note(_: Frame, result: Result) -> None:
        names.update(face.verdict.person for face in result.faces if face.verdict.person)
        if result.seq % 50 == 0:
            held.append(resident())

    frames = Replay(tmp_path / "film.mp4", CameraId("film"), loop=True).frames()
    with contextlib.suppress(TimeoutError):
        async with contextlib.aclosing(frames), asyncio.timeout(60 * MINUTES):
            await watch(frames, engine.recognizer(gallery), note, settings.inference.window)
    engine.close()
    half = len(held) // 2
    assert half >= 3
    assert names == {COLLINS}
    assert max(held[half:]) - max(held[:half]) < 20e6
