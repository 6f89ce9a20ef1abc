"""``faceapi watch``: one source, one folder of people, names on the terminal."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.command.progress import progress_bar
from api.command.sources import open_source
from api.command.table import WatchTable
from api.command.tally import Tally
from api.live.seen import seen
from api.live.wire import SummaryMessage, frame_message, revision_messages
from api.settings.settings import Settings
from pipeline.build import build, open_configured_pack
from pipeline.enroll import enroll_folder
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import Frame, Result
from pipeline.watch import watch

Publish = Callable[[Frame, Result], None]


@dataclass(frozen=True, slots=True)
class Watch:
    """What was asked for.

    ``source`` is a file or a camera's address, ``gallery`` a folder of folders of photographs,
    a folder a person. ``json`` asks for a line a frame instead of a table, ``realtime`` for a
    file at its own pace. ``seconds`` ends the watch; None for never.
    """

    source: str
    gallery: Path
    json: bool
    realtime: bool
    seconds: float | None


async def run_watch(asked: Watch, settings: Settings) -> None:
    """Watch until the source ends, the time is over or somebody stops it; then sum up.

    Raises:
        FaceapiError: of the settings, the gallery's folder or the source, as it is.
    """
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    source = open_source(asked.source, settings.rtsp, notes.print, realtime=asked.realtime)
    with progress_bar(notes) as progress:
        pack = open_configured_pack(settings.model, settings.faceapi.cache_dir, progress)
    engine = build(settings, pack)
    with contextlib.closing(engine.lanes):
        gallery = ExactGallery(engine.pack.manifest.embedder.dimension)
        await enroll_folder(asked.gallery, engine.enroller(), gallery, notes.print)
        recognizer, tally = engine.recognizer(gallery), Tally()
        try:
            async with contextlib.aclosing(source) as frames:
                with _output(asked.json, tally) as publish:
                    window = settings.inference.window
                    await _until(watch(frames, recognizer, publish, window), asked.seconds)
        finally:  # what was seen before a camera or a file broke off is seen
            _conclude(tally.summary(), json=asked.json)


@contextlib.contextmanager
def _output(json: bool, tally: Tally) -> Iterator[Publish]:
    """Where results go: lines of JSON, or a live table."""
    with contextlib.ExitStack() as stack:
        show = _print_line if json else stack.enter_context(WatchTable(Console(), tally)).show

        def publish(_: Frame, result: Result) -> None:
            tally.add(result)
            show(result)

        yield publish


def _print_line(result: Result) -> None:
    """A JSON line a message, at once: whoever reads a pipe wants it now."""
    told = seen(result)
    for revision in revision_messages(told, str):
        sys.stdout.write(revision.model_dump_json() + "\n")
    sys.stdout.write(frame_message(told, str).model_dump_json() + "\n")
    sys.stdout.flush()


async def _until(work: Coroutine[None, None, None], seconds: float | None) -> None:
    """Run ``work`` to its end, for so many seconds, or until Ctrl-C or SIGTERM."""
    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    try:
        await asyncio.wait({running}, timeout=seconds)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _conclude(summary: SummaryMessage, *, json: bool) -> None:
    if json:
        sys.stdout.write(summary.model_dump_json() + "\n")
        return
    people = Table("who", "frames", "first seen", "last seen")
    for name, here in sorted(summary.people.items()):
        people.add_row(name, str(here.frames), f"{here.first_seen:.2f}", f"{here.last_seen:.2f}")
    console = Console()
    console.print(people)
    rate = summary.frames / max(summary.seconds, 1e-3)
    console.print(
        f"{summary.frames} frames in {summary.seconds:.1f} s ({rate:.1f} a second), "
        f"{summary.unknown_tracks} unknown"
    )
