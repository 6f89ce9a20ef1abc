from pipeline.messages import (
    Comparison,
    DetectedFace,
    Flaw,
    Followed,
    PersonId,
    Status,
    TrackId,
    Verdict,
)
from pipeline.schedule import Schedule, SchedulePolicy
from tests.fakes import face_at, tracked

POLICY = SchedulePolicy(
    least_looks=2, most_looks=3, retry=0.2, unknown_interval=0.5, known_interval=2.0
)
ONE = TrackId(1)
SEEN = Comparison([], 0.5)
PENDING, UNKNOWN = Verdict(Status.PENDING), Verdict(Status.UNKNOWN)
ANN = Verdict(Status.KNOWN, PersonId("Ann"), 0.96)


class Told:
    """An identifier that says what it is told to."""

    def __init__(self, verdict: Verdict = PENDING) -> None:
        self.now = verdict

    def verdict(self, track: TrackId) -> Verdict:
        assert track >= ONE
        return self.now


def scheduled(verdict: Verdict, *looks: float) -> Schedule:
    """A schedule of one track, looked at at these moments."""
    schedule = Schedule(POLICY, Told(verdict))
    for moment in looks:
        schedule.looked(tracked(1), moment, SEEN)
    return schedule


def due(
    schedule: Schedule,
    now: float,
    behind: float = 0.0,
    *,
    face: DetectedFace | None = None,
    doubted: bool = False,
) -> bool:
    one = tracked(1, face)
    return bool(schedule.due(Followed([one], {ONE} if doubted else set()), now, behind))


def turned_away() -> DetectedFace:
    """A face whose nose tip lies beside both eyes."""
    face = face_at(0, 0)
    points = face.points.copy()
    points[2, 0] += 29
    return DetectedFace(face.box, points, face.score)


def test_a_new_track_is_looked_at_in_every_frame_until_it_is_named() -> None:
    told = Told()
    schedule = Schedule(POLICY, told)
    for now in (0.0, 0.01):
        assert due(schedule, now)
        schedule.looked(tracked(1), now, SEEN)
    told.now = ANN
    schedule.looked(tracked(1), 0.02, SEEN)
    assert not due(schedule, 0.03)


def test_a_new_track_waits_a_few_frames_for_a_better_face_and_no_longer() -> None:
    schedule = Schedule(POLICY, Told())
    assert [due(schedule, n / 10, face=turned_away()) for n in range(4)] == [*[False] * 3, True]
    assert due(Schedule(POLICY, Told()), 0.0, face=turned_away(), doubted=True)
    patient = Schedule(POLICY, Told())
    assert not due(patient, 0.0, face=turned_away())
    assert due(patient, 0.1)


def test_somebody_unknown_is_looked_at_less_often_and_then_rarely() -> None:
    schedule, looked = Schedule(POLICY, Told(UNKNOWN)), []
    for frame in range(100):
        now = frame / 8
        if due(schedule, now):
            schedule.looked(tracked(1), now, SEEN)
            looked.append(now)
    assert looked == [0, 0.125, 0.375, 0.875, 1.875, 3.875, 5.875, 7.875, 9.875, 11.875]


def test_somebody_known_is_looked_at_ever_more_rarely() -> None:
    schedule, looked = Schedule(POLICY, Told(ANN)), []
    for now in range(40):
        if due(schedule, now):
            schedule.looked(tracked(1), now, SEEN)
            looked.append(now)
    assert looked == [0, 2, 6, 14, 22, 30, 38]


def test_a_verdict_that_changes_is_looked_at_as_a_new_one() -> None:
    told = Told(ANN)
    schedule = Schedule(POLICY, told)
    for moment in (0, 2, 6):
        schedule.looked(tracked(1), moment, SEEN)
    told.now = UNKNOWN
    schedule.looked(tracked(1), 14, SEEN)
    assert due(schedule, 14.01)


def test_a_picture_that_improves_is_looked_at_at_once_unless_frames_wait() -> None:
    schedule = Schedule(POLICY, Told(ANN))
    schedule.looked(tracked(1, face_at(0, 0, 40)), 0.0, SEEN)
    assert not due(schedule, 0.1, face=face_at(0, 0, 44))
    assert due(schedule, 0.1, face=face_at(0, 0, 90))
    assert not due(schedule, 0.1, 1.0, face=face_at(0, 0, 90))
    schedule.looked(tracked(1, face_at(0, 0, 90)), 0.1, SEEN)
    assert not due(schedule, 0.2, face=face_at(0, 0, 90))


def test_a_face_that_could_not_be_compared_is_retried_soon_but_not_at_once() -> None:
    schedule = scheduled(PENDING)
    schedule.looked(tracked(1), 0.0, Flaw.NO_POINTS)
    assert not due(schedule, 0.1)
    assert not due(schedule, 0.1, doubted=True)
    assert due(schedule, 0.2)


def test_whose_track_is_in_doubt_is_looked_at_however_sure_the_name_was() -> None:
    schedule = scheduled(ANN, 0.0)
    assert not due(schedule, 0.1)
    assert due(schedule, 0.1, doubted=True)
    assert due(schedule, 0.1, 9.0, doubted=True)


def test_of_a_crowd_a_few_are_looked_at_in_a_frame_those_in_doubt_first() -> None:
    schedule = Schedule(POLICY, Told())
    crowd = [tracked(number) for number in range(1, 501)]
    due = schedule.due(Followed(crowd, {TrackId(400), TrackId(500)}), 0.0)
    assert [face.track for face in due] == [400, 500, *range(1, 15)]


def test_while_frames_wait_a_sure_name_waits_longer_then_a_judged_stranger_never_a_new_track() -> (
    None
):
    sure, stranger = scheduled(ANN, 0.0), scheduled(UNKNOWN, *[0.0] * 3)
    assert [due(sure, 2.0, behind) for behind in (0.5, 1, 2, 9)] == [True, False, False, False]
    assert [due(stranger, 0.5, behind) for behind in (0.5, 1, 2, 9)] == [True, True, False, False]
    assert due(sure, 8.0, 9)
    assert due(stranger, 2.0, 9)
    assert due(scheduled(PENDING), 0.0, 9)


def test_while_many_frames_wait_a_stranger_is_judged_by_the_least_looks() -> None:
    schedule = scheduled(UNKNOWN, 0.0)
    assert due(schedule, 0.1, behind=2)
    schedule.looked(tracked(1), 0.1, SEEN)
    assert due(schedule, 0.31, behind=1)
    assert not due(schedule, 0.31, behind=2)


def test_a_track_that_ended_or_lost_its_evidence_is_as_new() -> None:
    schedule = scheduled(ANN, 1.0)
    schedule.forget([ONE, TrackId(7)])
    assert due(schedule, 1.0)
