"""An evaluation as a person reads it."""

import io

from rich.console import Console

from api.command.evaluation.tables import Report, in_words, show
from pipeline.evaluation.comparing import report_pairs, report_people
from pipeline.evaluation.intervals import Rate
from pipeline.evaluation.pairs import BadRow, PairList
from pipeline.evaluation.tracks import ClipsReport, report_clip, totals
from pipeline.messages import PersonId
from tests.evaluations import FOLDER, FOUND, listed, photographs, seen


def shown(report: Report) -> str:
    screen = io.StringIO()
    show(report, Console(file=screen, width=300, highlight=False))
    return screen.getvalue()


def test_a_rate_is_told_with_its_counts_and_its_interval() -> None:
    assert in_words(Rate.of(0, 300)) == "0 % (0 of 300; 0 % to 1 %)"
    assert in_words(Rate.of(0, 0)) == "- (0 tried)"


def test_pairs_are_told_one_by_one_with_what_was_left_out() -> None:
    pairs = listed(("a/1", "a/2", True), ("a/2", "b/1", False), ("c/1", "a/1", True))
    pairs = PairList(pairs.pairs, [BadRow(7, "nonsense [bold]")])
    report, _ = report_pairs(pairs, FOLDER, FOUND, pack="p", threshold=0.9)
    text = shown(report)
    (row,) = (line for line in text.splitlines() if "a/2" in line and "b/1" in line)
    assert "0.9848" in row
    assert "Yes (wrong)" in row
    assert "no template" in text
    assert "line 7 is left out: nonsense [bold]" in text
    assert "accuracy_at_threshold: 50 % (1 of 2;" in text
    assert "c/1: no face was found in it" in text


def test_people_are_told_with_searches_and_too_few_comparisons() -> None:
    report, _ = report_people(photographs(), FOLDER, FOUND, pack="p", threshold=0.9)
    text = shown(report)
    assert "2 people, 4 photographs" in text
    assert "false matches: a/2 and b/1, 0.9848" in text
    assert "FPIR (strangers)" in text
    assert "too few: 30000 are wanted" in text


def test_clips_are_told_with_their_totals() -> None:
    a = PersonId("A")
    clips = [
        report_clip("film", 4, seen(1, a, ".AA-"), [a], used=False),
        report_clip("own", 4, seen(1, a, "AAAA"), [a], used=True),
    ]
    report = ClipsReport("p", 0.9, {a: 1}, clips, totals(clips, [a]), ["film: a note"])
    text = shown(report)
    assert "film: a note" in text
    assert "gallery: A (1)" in text
    assert "own *" in text
    assert "1 clips: names right of all frames: 50 % (2 of 4;" in text
    assert "flips 1, revisions 0, mixed tracks 0" in text
    assert "time to name: median 0.1 s" in text
