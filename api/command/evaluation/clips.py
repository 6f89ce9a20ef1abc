"""Clips with a ground truth, through the very line that cameras go through."""

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ingest.replay import Replay
from pipeline.build import Pipeline
from pipeline.enroll import enroll_folder
from pipeline.errors import BadInput
from pipeline.evaluation.tracks import ClipReport, ClipsReport, Sighting, report_clip, totals
from pipeline.evaluation.truth import Clip, check_places, read_truth
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import (
    CameraId,
    EnrolledFace,
    FaceId,
    Frame,
    IdentifiedFace,
    PersonId,
    Result,
    Status,
)
from pipeline.watch import watch

_VERDICTS = frozenset({Status.KNOWN, Status.UNKNOWN})


class _Kept:
    """A gallery that remembers whose templates it was given."""

    def __init__(self, gallery: ExactGallery) -> None:
        self._gallery = gallery
        self.templates = Counter[PersonId]()

    async def add(self, faces: Sequence[EnrolledFace]) -> None:
        await self._gallery.add(faces)
        self.templates.update(face.person for face in faces)

    async def remove(self, faces: Sequence[FaceId]) -> None:
        await self._gallery.remove(faces)


async def evaluate_clips(
    file: Path, folder: Path | None, engine: Pipeline, tell: Callable[[str], None]
) -> ClipsReport:
    """Watch each clip of a ground truth, with a gallery of those who are known.

    The gallery has whoever has a folder of photographs in ``folder``, and of the others whoever is
    alone in a clip, with the first frame of it that can be enrolled.

    Raises:
        BadInput: the truth, the folder or a film cannot be used, or nobody can be enrolled.
    """
    clips, notes = read_truth(file), list[str]()
    gallery = ExactGallery(engine.pack.manifest.embedder.dimension)
    kept = _Kept(gallery)
    if folder is not None:
        await enroll_folder(folder, engine.enroller(), kept, tell)
    used = await _enroll_from(clips, engine, kept, notes.append)
    enrolled = frozenset(kept.templates)
    if not enrolled:
        raise BadInput(f"{file}: nobody can be enrolled: no one is alone in a clip; name --gallery")
    check_places(clips, enrolled)
    reports = []
    for clip in clips:
        seen, frames = await _watched(clip, engine, gallery)
        if clip.frames not in {None, frames}:
            notes.append(f"{clip.name}: it has {frames} frames, the truth says {clip.frames}")
        present = enrolled.intersection(clip.people)
        reports.append(report_clip(clip.name, frames, seen, present, used=clip.name in used))
    return _report(reports, kept.templates, engine, notes)


def _report(
    clips: Sequence[ClipReport], gallery: Mapping[PersonId, int], engine: Pipeline, notes: list[str]
) -> ClipsReport:
    return ClipsReport(
        pack=engine.pack.manifest.id,
        threshold=engine.threshold,
        gallery=dict(gallery),
        clips=clips,
        totals=totals(clips, frozenset(gallery)),
        notes=notes,
    )


async def _enroll_from(
    clips: Sequence[Clip], engine: Pipeline, kept: _Kept, tell: Callable[[str], None]
) -> frozenset[str]:
    """Enroll whoever is alone in a clip and not there yet; says which clips were used."""
    used = set()
    for clip in clips:
        if clip.alone is not None and clip.alone not in kept.templates:
            face = await _first_face(clip, clip.alone, engine)
            if face is None:
                tell(f"{clip.name}: no frame of it can be enrolled as {clip.alone}")
            else:
                await kept.add([face])
                used.add(clip.name)
    return frozenset(used)


async def _first_face(clip: Clip, person: PersonId, engine: Pipeline) -> EnrolledFace | None:
    """The template of the first frame that can be enrolled."""
    enroller = engine.enroller()
    async with contextlib.aclosing(Replay(clip.path, CameraId(clip.name)).frames()) as captures:
        async for capture in captures:
            image = await engine.lanes.run(capture.paint)
            with contextlib.suppress(BadInput):
                portrait = await enroller.portrait(image)
                return EnrolledFace(FaceId(clip.name), person, portrait.template)
    return None


async def _watched(
    clip: Clip, engine: Pipeline, gallery: ExactGallery
) -> tuple[Sequence[Sighting], int]:
    """Every face of every frame, with its name and who it is; and how many frames there were."""
    seen, frames = list[Sighting](), 0

    def publish(_: Frame, result: Result) -> None:
        nonlocal frames
        frames += 1
        seen.extend(_sighting(face, result, clip) for face in result.faces)

    recognizer, window = engine.recognizer(gallery), engine.settings.inference.window
    async with contextlib.aclosing(Replay(clip.path, CameraId(clip.name)).frames()) as captures:
        await watch(captures, recognizer, publish, window)
    return seen, frames


def _sighting(face: IdentifiedFace, result: Result, clip: Clip) -> Sighting:
    box, verdict = face.face.found.box, face.verdict
    return Sighting(
        frame=result.seq,
        at=result.captured_at,
        track=face.face.track,
        name=verdict.person,
        decided=verdict.status in _VERDICTS,
        truth=clip.who((box.x + box.width / 2) / result.width),
    )
