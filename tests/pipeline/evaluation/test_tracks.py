"""Names on film, counted by hand."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.tracks import (
    ClipReport,
    Sighting,
    flips,
    is_false,
    report_clip,
    revisions,
    totals,
)
from pipeline.messages import PersonId, TrackId
from tests.evaluations import seen

A, B = PersonId("A"), PersonId("B")
NAMES = st.lists(st.sampled_from([A, B, None]))


def report(*tracks: list[Sighting], frames: int = 10, used: bool = False) -> ClipReport:
    return report_clip("clip", frames, [one for track in tracks for one in track], [A], used=used)


def test_a_track_that_is_named_late_and_right() -> None:
    (track,) = report(seen(1, A, "..-AAA", first=4)).tracks
    assert (track.person, track.name, track.faces) == (A, A, 6)
    assert (track.flips, track.revisions, track.people) == (0, 0, 1)
    assert track.time_to_name == 0.3


def test_a_name_that_is_lost_is_a_flip_and_one_that_follows_another_a_revision() -> None:
    (track,) = report(seen(1, A, "BA-.A-B")).tracks
    assert (track.flips, track.revisions, track.name) == (3, 2, B)
    assert track.time_to_name == 0.1


def test_a_stranger_is_never_named_in_time_and_an_id_that_swaps_is_seen() -> None:
    (track,) = report(seen(1, None, "--A") + seen(1, A, "AA", first=3)).tracks
    assert (track.person, track.time_to_name, track.people) == (None, None, 2)


def test_all_frames_of_the_clip_count_for_whoever_is_in_it() -> None:
    one = report(seen(1, A, "AA-A"), seen(2, B, "AA"), frames=8)
    (presence,) = one.presences
    assert (presence.person, presence.right.events, presence.right.trials) == (A, 3, 8)
    assert (one.false_names.events, one.false_names.trials) == (2, 6)


def test_precision_is_of_tracks_with_a_name_and_recall_of_tracks_of_the_enrolled() -> None:
    clip = report(seen(1, A, "AA"), seen(2, A, "-"), seen(3, None, "B"), seen(4, B, "-"))
    found = totals([clip, clip], {A})
    assert (found.precision.events, found.precision.trials) == (2, 4)
    assert (found.recall.events, found.recall.trials) == (2, 4)
    assert (found.right.events, found.right.trials) == (4, 20)
    assert (found.median_time_to_name, found.longest_time_to_name) == (0, 0)


def test_a_clip_that_somebody_was_enrolled_from_is_in_no_total() -> None:
    found = totals([report(seen(1, A, "A"), used=True)], {A})
    assert (found.clips, found.right.trials, found.recall.trials) == (0, 0, 0)
    assert found.median_time_to_name is None


@given(NAMES)
def test_names_are_lost_at_least_as_often_as_others_follow(names: list[PersonId | None]) -> None:
    assert revisions(names) <= flips(names) <= max(0, len(names) - 1)
    assert (flips(names) == 0) == (names in settled(names))


def settled(names: list[PersonId | None]) -> list[list[PersonId | None]]:
    """What names without a flip look like: none for a while, and then one for ever."""
    return [
        [None] * unnamed + [name] * (len(names) - unnamed)
        for unnamed in range(len(names) + 1)
        for name in (A, B)
    ]


@given(st.sampled_from([A, B, None]), st.sampled_from([A, B, None]))
def test_a_name_is_false_unless_it_is_the_right_one(
    name: PersonId | None, truth: PersonId | None
) -> None:
    sighting = Sighting(0, 0.0, TrackId(1), name, decided=True, truth=truth)
    assert is_false(sighting) == (name is not None and name != truth)
