from hypothesis import given
from hypothesis import strategies as st

from pipeline.messages import DetectedFace
from pipeline.track import MotionTracker
from tests.fakes import face_at


def tracker() -> MotionTracker:
    return MotionTracker(least_overlap=0.2, keep=1.0)


def ids(motion: MotionTracker, at: float, *faces: DetectedFace) -> list[int]:
    return [face.track for face in motion.update(faces, at).faces]


def test_a_face_that_stays_keeps_its_track() -> None:
    motion = tracker()
    assert {ids(motion, n / 10, face_at(10, 10))[0] for n in range(20)} == {1}


def test_a_walking_face_keeps_its_track() -> None:
    motion = tracker()
    assert {ids(motion, n / 10, face_at(40 * n, 10, 60))[0] for n in range(20)} == {1}


def test_faces_are_told_apart_whatever_order_they_are_found_in() -> None:
    motion = tracker()
    left, right = face_at(0, 0), face_at(300, 0)
    assert ids(motion, 0.0, left, right) == [1, 2]
    assert ids(motion, 0.1, right, left) == [2, 1]


def test_two_faces_that_pass_each_other_keep_their_tracks() -> None:
    motion = tracker()
    seen = [
        ids(motion, n / 25, face_at(20 * n, 0, 60), face_at(600 - 20 * n, 50, 60))
        for n in range(31)
    ]
    assert seen == [[1, 2]] * 31


def test_a_short_gap_is_survived_and_a_long_one_ends_the_track() -> None:
    motion = tracker()
    ids(motion, 0.0, face_at(10, 10))
    assert ids(motion, 0.9, face_at(12, 10)) == [1]
    assert motion.update([], 1.5).ended == []
    assert motion.update([], 2.0).ended == [1]
    assert ids(motion, 2.1, face_at(12, 10)) == [2]


def test_a_clock_that_goes_back_ends_every_track() -> None:
    motion = tracker()
    ids(motion, 100.0, face_at(10, 10))
    again = motion.update([face_at(10, 10)], 3.0)
    assert again.ended == [1]
    assert [face.track for face in again.faces] == [2]


def test_a_face_elsewhere_or_of_another_size_is_another_one() -> None:
    motion = tracker()
    ids(motion, 0.0, face_at(0, 0))
    assert ids(motion, 0.1, face_at(400, 0)) == [2]
    assert ids(motion, 0.2, face_at(45, 45, side=10)) == [3]


def test_two_frames_of_one_moment_do_no_harm() -> None:
    motion = tracker()
    ids(motion, 1.0, face_at(0, 0))
    assert ids(motion, 1.0, face_at(5, 0)) == [1]


def test_pictures_a_blink_apart_give_no_wild_speed() -> None:
    motion = tracker()
    ids(motion, 1.0, face_at(0, 0))
    ids(motion, 1.0 + 1e-9, face_at(30, 0))
    assert ids(motion, 1.1, face_at(30, 0)) == [1]


places = st.tuples(st.floats(-100, 2000), st.floats(-100, 2000), st.floats(0.1, 900))


@given(st.lists(st.tuples(st.floats(0, 3), st.lists(places, max_size=6)), min_size=1, max_size=12))
def test_no_two_faces_of_a_frame_share_a_track_and_no_ended_track_returns(
    steps: list[tuple[float, list[tuple[float, float, float]]]],
) -> None:
    motion, now, ended = tracker(), 0.0, set[int]()
    for passed, faces in steps:
        now += passed
        found = [face_at(*place) for place in faces]
        tracked = motion.update(found, now)
        ended |= set(tracked.ended)
        tracks = [face.track for face in tracked.faces]
        assert [face.found for face in tracked.faces] == found
        assert len(set(tracks)) == len(tracks)
        assert not ended & set(tracks)
