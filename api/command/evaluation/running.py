"""From what was asked for to a report: on the terminal, as JSON, as pictures."""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Console

from api.command.evaluation.clips import evaluate_clips
from api.command.evaluation.tables import Report, show
from api.command.progress import progress_bar
from api.settings.settings import Settings
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.errors import BadInput, Misconfigured
from pipeline.evaluation.comparing import report_pairs, report_people
from pipeline.evaluation.pairs import read_pairs
from pipeline.evaluation.photographs import Templates, templates_of
from pipeline.evaluation.verification import Comparisons
from pipeline.photographs import find_photographs

_Draw = Callable[[Comparisons, float, Path, str], list[Path]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was asked for: exactly one of ``people``, ``pairs`` and ``clips``.

    ``people`` is a folder of folders of photographs, a folder a person; ``pairs`` a CSV of pairs of
    those in ``images``; ``clips`` a ground truth beside its films, where ``gallery`` has more
    people to enroll, as ``people`` does. ``plots`` is a folder for pictures of the curves.
    """

    people: Path | None
    pairs: Path | None
    images: Path | None
    clips: Path | None
    gallery: Path | None
    json: bool
    plots: Path | None

    def check(self) -> None:
        """See that the options go together.

        Raises:
            BadInput: they do not; it says what does.
        """
        if sum(one is not None for one in (self.people, self.pairs, self.clips)) != 1:
            raise BadInput("evaluate wants one of --people DIR, --pairs FILE and --clips FILE")
        if (self.pairs is None) != (self.images is None):
            raise BadInput("--pairs FILE and --images DIR go together")
        if self.gallery is not None and self.clips is None:
            raise BadInput("--gallery DIR is for --clips FILE: more people to enroll")
        if self.plots is not None and self.clips is not None:
            raise BadInput("--plots DIR is for --people and --pairs: clips have no curve")


async def run_evaluation(asked: Evaluation, settings: Settings) -> None:
    """Evaluate, and tell.

    Raises:
        BadInput: the options, a list, a folder or a film cannot be used.
        Misconfigured: the pack cannot be opened, or a picture cannot be drawn here.
    """
    asked.check()
    draw = None if asked.plots is None else _drawing(asked.plots)
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    with progress_bar(notes) as progress:
        pack = open_configured_pack(settings.model, settings.faceapi.cache_dir, progress)
    engine = build(settings, pack)
    with contextlib.closing(engine.lanes):
        report = await _evaluated(asked, engine, notes, draw)
    if asked.json:
        sys.stdout.buffer.write(TypeAdapter(type(report)).dump_json(report, indent=2) + b"\n")
    else:
        show(report, Console(soft_wrap=True, highlight=False))


async def _evaluated(
    asked: Evaluation, engine: Pipeline, notes: Console, draw: _Draw | None
) -> Report:
    if asked.clips is not None:
        return await evaluate_clips(asked.clips, asked.gallery, engine, notes.print)
    report, scores = await _compared(asked, engine, notes)
    if draw is not None and asked.plots is not None:
        _plotted(draw, scores, engine, asked.plots, notes)
    return report


async def _compared(
    asked: Evaluation, engine: Pipeline, notes: Console
) -> tuple[Report, Comparisons]:
    named, threshold = engine.pack.manifest.id, engine.threshold
    if asked.pairs is not None and asked.images is not None:
        listed = read_pairs(asked.pairs, asked.images)
        names = {name for pair in listed.pairs for name in (pair.file_x, pair.file_y)}
        found = await _described([asked.images / name for name in sorted(names)], engine, notes)
        return report_pairs(listed, asked.images, found, pack=named, threshold=threshold)
    folder = asked.people or Path()
    photographs = list(find_photographs(folder))
    found = await _described([one.path for one in photographs], engine, notes)
    return report_people(photographs, folder, found, pack=named, threshold=threshold)


async def _described(photographs: list[Path], engine: Pipeline, notes: Console) -> Templates:
    with progress_bar(notes) as progress:
        return await templates_of(
            photographs, engine.enroller(), lambda done, total: progress("photographs", done, total)
        )


def _drawing(folder: Path) -> _Draw:
    """What draws into a folder, which is made; found out before the long work.

    Raises:
        Misconfigured: what draws is not installed.
        BadInput: the folder cannot be made.
    """
    try:
        from pipeline.evaluation.plots import draw  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Misconfigured(
            f"--plots wants matplotlib, which cannot be loaded ({error}): "
            "pip install 'faceapi[plots]'"
        ) from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--plots {folder}: it cannot be made ({error.strerror})") from error
    return draw


def _plotted(
    draw: _Draw, scores: Comparisons, engine: Pipeline, folder: Path, notes: Console
) -> None:
    if not len(scores.mated) or not len(scores.non_mated):
        notes.print("no curve: it takes mated and non-mated comparisons")
        return
    try:
        for path in draw(scores, engine.threshold, folder, engine.pack.manifest.title):
            notes.print(f"drawn: {path}")
    except OSError as error:
        raise BadInput(f"--plots {folder}: it cannot be written ({error.strerror})") from error
