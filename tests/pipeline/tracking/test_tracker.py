"""Tracks by motion and by appearance; people are directions in a plane, 90 degrees apart."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.messages import (
    Box,
    CameraId,
    Detected,
    DetectedFace,
    Flaw,
    Frame,
    Image,
    Look,
    Probe,
    Tracked,
    TrackId,
)
from pipeline.tracking.tracker import FaceTracker
from tests.fakes import face_at, face_tracker

ROOM = np.random.default_rng(1).integers(0, 256, (72, 128, 3), np.uint8)
ELSEWHERE = np.random.default_rng(2).integers(0, 256, (72, 128, 3), np.uint8)


def probe(person: str, quality: float = 0.5, turned: float = 0.0) -> Probe:
    """What somebody looks like: each letter a direction of its own, a little ``turned``."""
    vector = np.zeros(16, np.float32)
    vector["ABCDE".index(person)], vector[-1] = np.cos(turned), np.sin(turned)
    return Probe(vector, quality)


class Filmed:
    """A tracker that is shown people by their letters, and looks at those it is in doubt of.

    ``looks`` counts, frame by frame, how many these were.
    """

    def __init__(self, tracker: FaceTracker | None = None) -> None:
        self.tracker = tracker or face_tracker()
        self.looks: list[int] = []
        self.ended: list[TrackId] = []

    def show(
        self,
        at: float,
        people: Mapping[str, DetectedFace],
        *,
        picture: Image = ROOM,
        look: Sequence[str] = (),
        poor: Sequence[str] = (),
    ) -> Mapping[str, int]:
        """The ids in this frame; whoever is new, in doubt or in ``look`` is looked at."""
        names = {face: name for name, face in people.items()}
        frame = Frame(CameraId("gate"), 0, 0, at, None, picture)
        followed = self.tracker.follow(Detected(frame, list(people.values())))
        looked = dict[TrackId, Look]()
        for face in followed.faces:
            name = names[face.found]
            if name in poor:
                looked[face.track] = Flaw.NO_POINTS
            elif face.track in followed.doubted or name in look:
                looked[face.track] = probe(name)
        tracked = self.tracker.settle(followed, looked)
        self.looks.append(len(looked))
        self.ended += tracked.ended
        return {names[face.found]: face.track for face in tracked.faces}


def film(**people: DetectedFace) -> tuple[Filmed, Mapping[str, int]]:
    """A camera that has seen these people for half a second, and looked at each."""
    filmed = Filmed()
    for frame in range(6):
        ids = filmed.show(frame / 10, people, look=list(people))
    return filmed, ids


def test_a_face_that_stays_keeps_its_track_without_a_further_look() -> None:
    filmed, ids = film(A=face_at(10, 10))
    for frame in range(6, 40):
        assert filmed.show(frame / 10, {"A": face_at(10 + frame % 3, 10)}) == ids == {"A": 1}
    assert sum(filmed.looks[6:]) == 0


def test_a_walking_face_keeps_its_track() -> None:
    filmed = Filmed()
    assert [filmed.show(n / 10, {"A": face_at(40 * n, 10, 60)}) for n in range(20)] == [
        {"A": 1}
    ] * 20


def test_faces_are_told_apart_whatever_order_they_are_found_in() -> None:
    filmed = Filmed()
    left, right = face_at(0, 0), face_at(300, 0)
    assert filmed.show(0.0, {"A": left, "B": right}) == {"A": 1, "B": 2}
    assert filmed.show(0.1, {"B": right, "A": left}) == {"A": 1, "B": 2}


def test_two_who_pass_each_other_keep_their_tracks_and_cost_a_few_looks() -> None:
    filmed, ids = film(A=face_at(0, 0, 60), B=face_at(600, 50, 60))
    for n in range(31):
        hidden = 13 <= n <= 17
        people = {"A": face_at(20 * n, 0, 60), "B": face_at(600 - 20 * n, 20, 60)}
        seen = filmed.show(0.6 + n / 25, {"A": people["A"]} if hidden else people)
        assert all(seen[name] == ids[name] for name in seen)
    assert 0 < sum(filmed.looks[6:]) < 12


def test_two_who_meet_and_turn_back_are_told_by_what_they_look_like() -> None:
    filmed, ids = film(A=face_at(0, 0, 60), B=face_at(600, 0, 60))
    for n in range(31):
        way = 20 * min(n, 30 - n)
        people = {"A": face_at(way, 0, 60), "B": face_at(600 - way, 0, 60)}
        behind = way > 270
        seen = filmed.show(0.6 + n / 25, {"A": people["A"]} if behind else people)
        assert all(seen[name] == ids[name] for name in seen)


def test_of_two_who_overlap_each_keeps_her_id_when_one_goes_behind_the_other() -> None:
    filmed, ids = film(A=face_at(0, 0, 60), B=face_at(30, 0, 60))
    assert filmed.show(0.62, {"B": face_at(5, 0, 60)}) == {"B": ids["B"]}
    assert filmed.show(0.64, {"B": face_at(5, 0, 60)}) == {"B": ids["B"]}
    both = {"A": face_at(24, 0, 60), "B": face_at(5, 0, 60)}
    assert filmed.show(0.66, both) == ids


def test_a_short_gap_is_survived_by_place_and_a_longer_one_by_appearance() -> None:
    filmed, ids = film(A=face_at(10, 10))
    assert filmed.show(1.2, {"A": face_at(12, 10)}) == ids
    for gone in (1.5, 2.0, 2.5, 3.0):
        assert filmed.show(gone, {}) == {}
    assert filmed.show(3.2, {"A": face_at(500, 300, 40)}) == ids
    assert filmed.ended == []


def test_whoever_comes_back_too_late_or_is_somebody_else_is_new() -> None:
    filmed, _ = film(A=face_at(10, 10))
    filmed.show(3.0, {})
    assert filmed.show(3.2, {"B": face_at(10, 10)}) == {"B": 2}
    filmed.show(30.0, {})
    assert sorted(filmed.ended) == [1, 2]
    assert filmed.show(30.1, {"A": face_at(10, 10)}) == {"A": 3}


def test_whoever_sits_down_in_somebodys_place_within_a_second_gets_no_id_of_hers() -> None:
    filmed, ids = film(A=face_at(10, 10))
    filmed.show(0.8, {})
    assert filmed.show(1.1, {"B": face_at(12, 10)}) == {"B": 2}
    assert filmed.show(1.2, {"B": face_at(12, 10), "A": face_at(400, 10)}) == {"B": 2, **ids}


def test_two_who_changed_places_unseen_keep_their_ids() -> None:
    filmed, ids = film(A=face_at(10, 10), B=face_at(400, 10))
    filmed.show(3.0, {})
    assert filmed.show(3.1, {"A": face_at(400, 10), "B": face_at(10, 10)}) == ids


def test_ids_go_with_people_over_a_cut() -> None:
    filmed, ids = film(A=face_at(10, 10), B=face_at(400, 10))
    swapped = {"A": face_at(400, 10), "B": face_at(10, 10)}
    assert filmed.show(0.6, swapped, picture=ELSEWHERE) == ids
    filmed.show(3.0, {"B": face_at(10, 10)})
    seen = filmed.show(3.1, {"C": face_at(400, 10), "B": face_at(10, 10)})
    assert seen == {"C": 3, "B": ids["B"]}


def test_whoever_stands_at_once_where_another_stood_in_an_unchanged_room_is_somebody_else() -> None:
    filmed, _ = film(A=face_at(10, 10, 40), B=face_at(80, 10, 40))
    filmed.show(1.2, {"A": face_at(10, 10, 40), "B": face_at(80, 10, 40)})
    picture = ROOM.copy()
    picture[10:50, 10:50] = ELSEWHERE[10:50, 10:50]
    seen = filmed.show(1.3, {"C": face_at(10, 10, 40), "B": face_at(80, 10, 40)}, picture=picture)
    assert seen == {"C": 3, "B": 2}


def test_a_frame_of_another_size_carries_no_id_over_by_place() -> None:
    filmed, ids = film(A=face_at(10, 10), B=face_at(400, 10))
    large = np.repeat(np.repeat(ROOM, 2, axis=0), 2, axis=1)
    assert filmed.show(0.6, {"B": face_at(10, 10)}, picture=large) == {"B": ids["B"]}


def test_over_a_cut_a_face_that_cannot_be_judged_is_new() -> None:
    filmed, ids = film(A=face_at(10, 10))
    seen = filmed.show(0.6, {"A": face_at(10, 10)}, picture=ELSEWHERE, poor=["A"])
    assert seen["A"] not in ids.values()


def test_a_track_that_shows_somebody_else_twice_is_split_and_the_looks_do_not_count() -> None:
    tracker = face_tracker()
    for moment in (0.0, 0.1):
        settled = looked(tracker, moment, probe("A"))
    assert list(settled.looks) == [1]
    settled = looked(tracker, 0.2, probe("B"))
    assert ([face.track for face in settled.faces], settled.looks) == ([1], {})
    settled = looked(tracker, 0.3, probe("B"))
    assert ([face.track for face in settled.faces], list(settled.looks)) == ([2], [2])


def test_one_look_at_a_bad_moment_splits_nothing() -> None:
    tracker = face_tracker()
    looked(tracker, 0.0, probe("A"))
    for moment, seen in ((0.1, probe("B")), (0.2, probe("A")), (0.3, probe("B"))):
        assert [face.track for face in looked(tracker, moment, seen).faces] == [1]
    poor = probe("B", quality=0.01)
    for moment in (0.4, 0.5, 0.6, 0.7):
        assert [face.track for face in looked(tracker, moment, poor).faces] == [1]


def test_a_head_that_turns_slowly_stays_the_same() -> None:
    tracker = face_tracker()
    for step in range(20):
        seen = probe("A", turned=step / 12)
        assert [face.track for face in looked(tracker, step / 10, seen).faces] == [1]


def looked(tracker: FaceTracker, at: float, seen: Probe) -> Tracked:
    """A frame with one face that stays where it is, and is looked at."""
    frame = Frame(CameraId("gate"), 0, 0, at, None, ROOM)
    followed = tracker.follow(Detected(frame, [face_at(0, 0)]))
    return tracker.settle(followed, {face.track: seen for face in followed.faces})


def test_a_weak_face_continues_a_track_and_begins_none() -> None:
    filmed, ids = film(A=face_at(0, 0))
    weak = {"A": face_at(3, 0, score=0.6), "B": face_at(400, 0, score=0.6)}
    for frame in range(6, 12):
        assert filmed.show(frame / 10, weak) == ids


def test_a_sure_face_goes_before_a_weak_one() -> None:
    filmed, ids = film(A=face_at(0, 0))
    both = {"B": face_at(0, 0, score=0.6), "A": face_at(25, 0)}
    assert filmed.show(0.6, both) == ids


def test_a_clock_that_goes_back_ends_every_track() -> None:
    filmed, _ = film(A=face_at(10, 10), B=face_at(400, 10))
    filmed.show(100.0, {"B": face_at(400, 10)})
    assert filmed.show(3.0, {"A": face_at(10, 10), "B": face_at(400, 10)}) == {"A": 4, "B": 5}
    assert sorted(filmed.ended) == [1, 2, 3]


def test_a_face_elsewhere_or_of_another_size_is_another_one() -> None:
    filmed = Filmed()
    assert filmed.show(0.0, {"A": face_at(0, 0)}) == {"A": 1}
    assert filmed.show(0.1, {"B": face_at(400, 0)}) == {"B": 2}
    assert filmed.show(0.2, {"C": face_at(45, 45, side=10)}) == {"C": 3}


def test_two_frames_of_one_moment_do_no_harm() -> None:
    filmed = Filmed()
    assert filmed.show(1.0, {"A": face_at(0, 0)}) == {"A": 1}
    assert filmed.show(1.0, {"A": face_at(5, 0)}) == {"A": 1}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_of_numbers_is_no_face(number: float) -> None:
    good = face_at(0, 0)
    found = [DetectedFace(Box(number, 0, 10, 10), good.points, 0.9)]
    found += [DetectedFace(Box(0, 0, number, 10), good.points, 0.9)]
    found += [DetectedFace(good.box, good.points * number, 0.9)]
    found += [DetectedFace(good.box, good.points, number)]
    found += [DetectedFace(Box(5, 5, 0, -1), good.points, 0.9)]
    tracker, frame = face_tracker(), Frame(CameraId("gate"), 0, 0, 1.0, None, ROOM)
    followed = tracker.follow(Detected(frame, [*found, good]))
    assert [face.found for face in followed.faces] == [good]


def test_a_crowd_is_followed_and_what_is_remembered_of_it_is_bounded() -> None:
    filmed = Filmed()
    crowd = [face_at(30 * (n % 60), 40 * (n // 60), 24) for n in range(500)]
    frame = Frame(CameraId("gate"), 0, 0, 0.0, None, ROOM)
    for moment in range(3):
        followed = filmed.tracker.follow(Detected(frame, crowd))
        looks = {face.track: probe("A") for face in followed.faces} if moment else {}
        tracked = filmed.tracker.settle(followed, looks)
        assert len({face.track for face in tracked.faces}) == 500
    filmed.show(5.0, {})
    assert len(filmed.ended) == 500 - 64


def test_numbers_go_on_after_those_given_away_before() -> None:
    assert Filmed(face_tracker(after=41)).show(0.0, {"A": face_at(0, 0)}) == {"A": 42}


places = st.tuples(st.floats(-100, 2000), st.floats(-100, 2000), st.floats(0.1, 900))
seen_faces = st.lists(
    st.tuples(places, st.sampled_from([0.6, 0.9]), st.sampled_from("ABC-")), max_size=6
)
steps = st.lists(st.tuples(st.floats(-1, 12), st.booleans(), seen_faces), min_size=1, max_size=12)


@settings(max_examples=150)
@given(steps)
def test_whatever_comes_no_two_faces_share_an_id_and_no_ended_one_returns(
    steps: list[tuple[float, bool, list[tuple[tuple[float, float, float], float, str]]]],
) -> None:
    tracker, now, ended, alive = face_tracker(), 100.0, set[TrackId](), set[TrackId]()
    for passed, cut, faces in steps:
        now += passed
        found = {face_at(*place, score): person for place, score, person in faces}
        frame = Frame(CameraId("gate"), 0, 0, now, None, ELSEWHERE if cut else ROOM)
        followed = tracker.follow(Detected(frame, list(found)))
        seen = dict[TrackId, Look]()
        for face in followed.faces:
            who = found[face.found]
            seen[face.track] = Flaw.NO_POINTS if who == "-" else probe(who)
        tracked = tracker.settle(followed, seen)
        tracks = [face.track for face in tracked.faces]
        assert [face.found for face in tracked.faces] == [face.found for face in followed.faces]
        assert {face for face in found if face.score > 0.8} <= {
            face.found for face in tracked.faces
        }
        assert len(set(tracks)) == len(tracks)
        assert set(tracked.looks) <= set(tracks)
        assert set(tracked.ended) <= alive
        ended |= set(tracked.ended)
        assert not ended & set(tracks)
        alive = (alive | set(tracks)) - ended


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.floats(0.05, 4), st.sets(st.sampled_from("ABC")), st.booleans()), max_size=20
    )
)
def test_with_good_looks_whoever_was_seen_has_one_id_whatever_the_gaps_and_the_cuts(
    steps: list[tuple[float, set[str], bool]],
) -> None:
    filmed, now = Filmed(), 3.0
    everyone = {name: face_at(300 * n, 0) for n, name in enumerate("ABC")}
    ids = dict(filmed.show(0.0, everyone, look="ABC"))
    last = dict.fromkeys(ids, 0.0)
    now = 0.0
    for passed, present, cut in steps:
        now += passed
        shown = {name: everyone[name] for name in sorted(present)}
        picture = ELSEWHERE if cut else ROOM
        for name, track in filmed.show(now, shown, picture=picture, look="ABC").items():
            if now - last[name] <= 10:
                assert track == ids[name]
            ids[name], last[name] = track, now
