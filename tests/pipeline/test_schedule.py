from pipeline.messages import Comparison, PersonId, Status, TrackId, Verdict
from pipeline.quality import Flaw
from pipeline.schedule import Schedule, SchedulePolicy
from tests.fakes import tracked

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
        assert track == ONE
        return self.now


def scheduled(verdict: Verdict, *looks: float) -> Schedule:
    """A schedule of one track, looked at at these moments."""
    schedule = Schedule(POLICY, Told(verdict))
    for moment in looks:
        schedule.looked(ONE, moment, SEEN)
    return schedule


def due(schedule: Schedule, now: float, behind: float = 0.0) -> bool:
    return bool(schedule.due([tracked(1)], now, behind))


def test_a_new_track_is_looked_at_in_every_frame_until_it_is_named() -> None:
    told = Told()
    schedule = Schedule(POLICY, told)
    for now in (0.0, 0.01):
        assert due(schedule, now)
        schedule.looked(ONE, now, SEEN)
    told.now = ANN
    assert not due(schedule, 0.02)


def test_somebody_unknown_is_left_alone_for_a_while_after_enough_looks() -> None:
    schedule = scheduled(UNKNOWN, 0.0, 0.0)
    assert due(schedule, 0.01)
    schedule.looked(ONE, 0.01, SEEN)
    assert not due(schedule, 0.4)
    assert due(schedule, 0.52)


def test_somebody_known_is_looked_at_again_after_a_while() -> None:
    schedule = scheduled(ANN, 1.0)
    assert not due(schedule, 2.9)
    assert due(schedule, 3.0)


def test_a_face_that_could_not_be_compared_is_retried_soon_but_not_at_once() -> None:
    schedule = scheduled(PENDING)
    schedule.looked(ONE, 0.0, Flaw.NO_POINTS)
    assert not due(schedule, 0.1)
    assert due(schedule, 0.2)


def test_while_frames_wait_a_sure_name_waits_longer_then_a_judged_stranger_never_a_new_track() -> (
    None
):
    sure, stranger = scheduled(ANN, *[0.0] * 3), scheduled(UNKNOWN, *[0.0] * 3)
    assert [due(sure, 2.0, behind) for behind in (0.5, 1, 2, 9)] == [True, False, False, False]
    assert [due(stranger, 0.5, behind) for behind in (0.5, 1, 2, 9)] == [True, True, False, False]
    assert due(sure, 8.0, 9)
    assert due(stranger, 2.0, 9)
    assert due(scheduled(PENDING), 0.0, 9)


def test_while_many_frames_wait_a_stranger_is_judged_by_the_least_looks() -> None:
    schedule = scheduled(UNKNOWN, 0.0)
    assert due(schedule, 0.1, behind=2)
    schedule.looked(ONE, 0.1, SEEN)
    assert due(schedule, 0.2, behind=1)
    assert not due(schedule, 0.2, behind=2)


def test_a_track_that_ended_or_lost_its_evidence_is_as_new() -> None:
    schedule = scheduled(ANN, 1.0)
    schedule.forget([ONE, TrackId(7)])
    assert due(schedule, 1.0)
