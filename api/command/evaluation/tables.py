"""An evaluation as a person reads it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.command.client.output import percent, rate
from pipeline.evaluation.identification import Identification
from pipeline.evaluation.intervals import Rate
from pipeline.evaluation.reports import (
    Failure,
    PairsReport,
    PeopleReport,
    Verification,
    WrongPair,
)
from pipeline.evaluation.tracks import ClipReport, ClipsReport

Report: TypeAlias = PairsReport | PeopleReport | ClipsReport


def show(report: Report, console: Console) -> None:
    """Print all of it."""
    console.print(f"pack {report.pack}, threshold {report.threshold:g}")
    if isinstance(report, ClipsReport):
        _show_clips(report, console)
    elif isinstance(report, PairsReport):
        _show_pairs(report, console)
    else:
        _show_people(report, console)
    console.print(
        "Intervals (95 %) are Wilson's, or by the rule of three; they hold for independent trials, "
        "and comparisons of the same few people are not."
    )


def in_words(counted: Rate) -> str:
    """A rate with its counts and its interval, in percent."""
    return rate(asdict(counted))


def _show_pairs(report: PairsReport, console: Console) -> None:
    table = Table("line", "file_x", "file_y", "truth", "similarity", "decision")
    for pair in report.pairs:
        similarity = "" if pair.similarity is None else f"{pair.similarity:.4f}"
        right = "" if pair.decision in {pair.truth, None} else " (wrong)"
        decision = f"{pair.decision or 'no template'}{right}"
        names = (Text(pair.file_x), Text(pair.file_y))
        table.add_row(str(pair.line), *names, pair.truth, similarity, decision)
    console.print(table)
    for row in report.bad_rows:
        console.print(Text(f"line {row.line} is left out: {row.problem}"))
    _show_failures(report.failures, console)
    console.print(f"failure to enroll (file_x): {in_words(report.failure_to_enroll)}")
    console.print(f"failure to acquire (file_y): {in_words(report.failure_to_acquire)}")
    _show_verification(report.verification, console)
    console.print(f"false accepts, failures counted (GFAR): {in_words(report.false_accepts)}")
    console.print(f"false rejects, failures counted (GFRR): {in_words(report.false_rejects)}")


def _show_people(report: PeopleReport, console: Console) -> None:
    console.print(f"{report.people} people, {report.photographs} photographs that can be used")
    _show_failures(report.failures, console)
    console.print(f"failure to enroll: {in_words(report.failure_to_enroll)}")
    _show_verification(report.verification, console)
    _show_wrong("false matches", report.false_matches, console)
    _show_wrong("false non-matches", report.false_non_matches, console)
    _show_identification(report.identification, console)


def _show_failures(failures: Sequence[Failure], console: Console) -> None:
    for failure in failures:
        console.print(Text(f"{failure.file}: {failure.reason}"))


def _show_wrong(kind: str, pairs: Sequence[WrongPair], console: Console) -> None:
    for pair in pairs:
        console.print(Text(f"{kind}: {pair.file_x} and {pair.file_y}, {pair.similarity:.4f}"))


def _show_verification(found: Verification, console: Console) -> None:
    table = Table("threshold", "FMR", "FNMR", title="Comparisons of two photographs")
    for row in found.table:
        mark = " *" if row.threshold == found.threshold else ""
        table.add_row(f"{row.threshold:.4f}{mark}", in_words(row.fmr), in_words(row.fnmr))
    console.print(table)
    console.print("* the threshold in force")
    accepts = Table("FAR allowed", "TAR", "threshold", "non-mated comparisons")
    for one in found.tar_at_far:
        enough = "enough" if one.enough else f"too few: {one.wanted} are wanted"
        accepts.add_row(f"{one.far:g}", in_words(one.tar), f"{one.threshold:.4f}", enough)
    console.print(accepts)
    console.print(f"accuracy_at_threshold: {in_words(found.accuracy)}")
    if found.equal_errors is not None:
        equal = found.equal_errors
        console.print(f"equal error rate: {percent(equal.rate)} at {equal.threshold:.4f}")


def _show_identification(rows: Sequence[Identification], console: Console) -> None:
    title = f"Searches among {rows[0].enrolled} people, the nearest one counts"
    table = Table("threshold", "FPIR (strangers)", "FNIR (enrolled)", title=title)
    for number, row in enumerate(rows):
        mark = "" if number else " *"
        table.add_row(f"{row.threshold:.4f}{mark}", in_words(row.fpir), in_words(row.fnir))
    console.print(table)


def _show_clips(report: ClipsReport, console: Console) -> None:
    for note in report.notes:
        console.print(Text(note))
    counts = ", ".join(f"{person} ({count})" for person, count in report.gallery.items())
    console.print(Text(f"gallery: {counts}"))
    table = Table("clip", "frames", "named right", "false names", "tracks", "flips", "revisions")
    for clip in report.clips:
        table.add_row(*_clip_row(clip))
    console.print(table)
    console.print("* somebody was enrolled from it; it is in no total")
    total = report.totals
    console.print(f"{total.clips} clips: names right of all frames: {in_words(total.right)}")
    console.print(f"false names of all faces: {in_words(total.false_names)}")
    console.print(f"tracks: precision {in_words(total.precision)}, recall {in_words(total.recall)}")
    console.print(f"flips {total.flips}, revisions {total.revisions}, mixed tracks {total.mixed}")
    if total.median_time_to_name is not None:
        longest = total.longest_time_to_name
        console.print(f"time to name: median {total.median_time_to_name} s, longest {longest} s")


def _clip_row(clip: ClipReport) -> Sequence[Text]:
    present = "; ".join(f"{one.person} {in_words(one.right)}" for one in clip.presences)
    cells = (
        clip.clip + (" *" if clip.enrolled_from else ""),
        clip.frames,
        present or "nobody enrolled is in it",
        in_words(clip.false_names),
        len(clip.tracks),
        sum(track.flips for track in clip.tracks),
        sum(track.revisions for track in clip.tracks),
    )
    return [Text(str(cell)) for cell in cells]
