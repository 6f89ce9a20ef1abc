"""Who is on which camera: entering, leaving, and never having been there."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from api.live.presence import Presences
from api.live.wire import (
    FaceMessage,
    FrameMessage,
    MomentMessage,
    PresenceMessage,
    RevisionMessage,
)
from pipeline.messages import CameraId, PersonId, Status

LEAVE_AFTER = 5.0
ANN, BOB = PersonId("Ann"), PersonId("Bob")
Told = Sequence[tuple[str, str | None, int]]


class World:
    """Frames of cameras at moments that the test chooses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.presences = Presences(LEAVE_AFTER, lambda: self.now)

    def see(self, now: float, people: Mapping[int, PersonId | None], camera: str = "gate") -> Told:
        """A frame with these people, by track."""
        self.now = now
        faces = tuple(
            FaceMessage(
                track=track,
                box=(0, 0, 1, 1),
                detection_score=1,
                status=Status.KNOWN if person else Status.UNKNOWN,
                person=person,
                name=person,
                similarity=0.9,
            )
            for track, person in people.items()
        )
        frame = FrameMessage(
            camera=camera,
            seq=round(now * 10),
            media_time=round(now * 90_000),
            captured_at=1000 + now,
            rtp_timestamp=None,
            width=1,
            height=1,
            faces=faces,
        )
        return said(self.presences.after(frame))

    def revise(self, track: int, was: PersonId) -> Told:
        moment = MomentMessage(seq=0, media_time=0, captured_at=0)
        revision = RevisionMessage(
            camera="gate",
            track=track,
            was=was,
            status=Status.UNKNOWN,
            person=None,
            name=None,
            since=moment,
            until=moment,
        )
        return said(self.presences.after(revision))

    def wait(self, now: float) -> Told:
        self.now = now
        return said(self.presences.overdue())


def said(messages: Sequence[PresenceMessage]) -> Told:
    return [(one.change, one.person, one.presence) for one in messages]


def test_somebody_enters_with_the_first_frame_that_names_her_and_only_then() -> None:
    world = World()
    assert world.see(0.0, {1: None}) == []
    assert world.see(0.1, {1: ANN}) == [("entered", ANN, 1)]
    assert world.see(0.2, {1: ANN}) == []


def test_a_gap_a_new_track_and_a_turned_head_are_no_exit() -> None:
    world = World()
    world.see(0.0, {1: ANN})
    assert world.see(2.0, {}) == []
    assert world.see(4.9, {2: None}) == []
    assert world.see(5.0, {2: ANN}) == []
    assert world.see(10.0, {2: ANN}) == []


def test_who_is_not_named_for_a_while_has_left_and_enters_anew() -> None:
    world = World()
    world.see(0.0, {1: ANN})
    world.see(1.0, {1: ANN})
    assert world.see(5.9, {}) == []
    assert world.see(6.1, {}) == [("left", ANN, 1)]
    assert world.see(7.0, {2: ANN}) == [("entered", ANN, 2)]


def test_she_leaves_a_camera_that_shows_nothing_any_more() -> None:
    world = World()
    world.see(0.0, {1: ANN})
    assert world.wait(5.0) == []
    assert world.wait(5.1) == [("left", ANN, 1)]
    assert world.wait(5.2) == []


def test_somebody_can_be_on_two_cameras() -> None:
    world = World()
    assert world.see(0.0, {1: ANN}) == [("entered", ANN, 1)]
    assert world.see(0.0, {1: ANN}, camera="yard") == [("entered", ANN, 2)]
    there = world.presences.present({CameraId("yard")})
    assert [(one.camera, one.presence) for one in there] == [("yard", 2)]
    assert len(world.presences.present(None)) == 2


def test_when_is_told_by_the_clock_of_the_camera() -> None:
    world = World()
    world.see(0.0, {1: ANN})
    world.see(3.0, {1: ANN})
    world.now = 9.0
    (left,) = world.presences.overdue()
    assert (left.since, left.last_seen) == (1000.0, 1003.0)


def test_a_presence_that_only_a_wrong_name_told_never_was() -> None:
    world = World()
    world.see(0.0, {1: ANN})
    assert world.revise(1, ANN) == [("retracted", ANN, 1)]
    assert world.see(0.1, {1: BOB}) == [("entered", BOB, 2)]


def test_a_presence_that_another_track_told_too_goes_on() -> None:
    world = World()
    world.see(0.0, {1: ANN})
    world.see(1.0, {2: ANN})
    assert world.revise(2, ANN) == []
    assert world.revise(3, ANN) == []
    assert world.wait(6.1) == [("left", ANN, 1)]


def test_of_whom_something_was_deleted_leaves_without_a_name() -> None:
    world = World()
    world.see(0.0, {1: ANN, 2: BOB})
    assert said(world.presences.forget({ANN})) == [("left", None, 1)]
    assert said(world.presences.forget({ANN})) == []
    assert [one.person for one in world.presences.present(None)] == [BOB]


def test_nobody_is_on_a_camera_that_was_deleted() -> None:
    world = World()
    world.see(0.0, {1: ANN})
    world.presences.forget_camera(CameraId("gate"))
    assert world.presences.present(None) == []
    assert world.wait(9.0) == []


frames = st.tuples(
    st.floats(0, 8), st.dictionaries(st.integers(1, 4), st.sampled_from([ANN, BOB, None]))
)
revised = st.tuples(st.integers(1, 4), st.sampled_from([ANN, BOB]))


@given(st.lists(frames | revised, max_size=40))
def test_each_presence_begins_once_ends_once_at_the_most_and_one_a_person_is_open(
    steps: Sequence[tuple[float, Mapping[int, PersonId | None]] | tuple[int, PersonId]],
) -> None:
    world, open_ones, begun = World(), dict[str | None, int](), list[int]()
    for step in steps:
        told = (
            world.see(world.now + step[0], step[1])
            if not isinstance(step[1], str)
            else world.revise(int(step[0]), step[1])
        )
        for change, person, number in told:
            if change == "entered":
                assert person not in open_ones
                open_ones[person] = number
                begun.append(number)
            else:
                assert open_ones.pop(person) == number
        there = {one.person: one.presence for one in world.presences.present(None)}
        assert there == open_ones
    assert begun == list(range(1, len(begun) + 1))
