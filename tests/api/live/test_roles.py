"""How further streams are told, by what they are for."""

import pytest

from api.live.roles import Roles
from api.live.streams import Streams as Figures
from api.live.streams import StreamStatus
from ingest.address import CameraUrl
from ingest.observed import Observed
from ingest.roles import StreamRole, Streams
from ingest.second_stream import SecondStatus
from ingest.source import State
from pipeline.messages import CameraId
from tests.ingest.test_load import Clock

GATE = CameraId("gate")
HIGH = CameraUrl.parse("rtsp://203.0.113.9/high")
BOTH = (StreamRole.VIEW, StreamRole.DETAIL)


def observed(width: int, height: int, pictures: int = 0) -> Observed:
    return Observed(codec="H.264", width=width, height=height, pictures=pictures, connections=1)


def analysed(width: int, height: int) -> StreamStatus | None:
    figures = Figures()
    figures.told(GATE, observed(width, height))
    return figures.status(GATE)


def status(
    state: State | None = State.LIVE, reason: str = "", large: Observed | None = None
) -> SecondStatus:
    return SecondStatus(BOTH, state, reason, 7.0, True, large or observed(1920, 1080))


def test_one_connection_for_two_is_told_for_each_and_only_what_there_is_an_address_for() -> None:
    clock = Clock()
    roles = Roles(clock)
    for second in range(3):
        clock.now = float(second)
        roles.told(GATE, status(large=observed(1920, 1080, 25 * second)))
    view, detail = roles.statuses(GATE, Streams(HIGH, HIGH), analysed(640, 352))
    assert (view.role, detail.role) == BOTH
    assert (view.state, view.reason, view.exact) == (State.LIVE, "", True)
    assert view.stream is not None
    assert view.stream == detail.stream
    assert (view.stream.width, view.stream.pictures_per_second) == (1920, 25)
    (only,) = roles.statuses(GATE, Streams(detail=HIGH), None)
    assert only.role is StreamRole.DETAIL
    assert list(roles.wanted()) == [(GATE, role, True) for role in BOTH]


def test_what_nobody_wants_is_idle_and_counts_for_nothing() -> None:
    roles = Roles()
    (unknown,) = roles.statuses(GATE, Streams(view=HIGH), None)
    assert (unknown.state, unknown.since) == ("idle", None)
    roles.told(GATE, status(state=None))
    (idle,) = roles.statuses(GATE, Streams(view=HIGH), None)
    assert (idle.state, idle.since) == ("idle", 7.0)
    assert list(roles.wanted()) == []


@pytest.mark.parametrize(
    ("small", "word"),
    [((640, 352), ""), ((1920, 1080), "not used"), ((704, 576), "1920x1080, the analysed one 704")],
)
def test_a_detail_stream_that_is_of_no_use_says_why(small: tuple[int, int], word: str) -> None:
    roles = Roles()
    roles.told(GATE, status())
    view, detail = roles.statuses(GATE, Streams(HIGH, HIGH), analysed(*small))
    assert view.reason == ""
    assert (word in detail.reason, bool(detail.reason)) == (True, bool(word))


def test_its_own_trouble_comes_first() -> None:
    roles = Roles()
    roles.told(GATE, status(State.WAITING, "the camera refuses"))
    (detail,) = roles.statuses(GATE, Streams(detail=HIGH), analysed(704, 576))
    assert (detail.state, detail.reason) == (State.WAITING, "the camera refuses")
    assert list(roles.wanted()) == [(GATE, role, False) for role in BOTH]


def test_a_camera_that_is_gone_is_forgotten() -> None:
    roles = Roles()
    roles.told(GATE, status())
    roles.forget(GATE)
    (view,) = roles.statuses(GATE, Streams(view=HIGH), None)
    assert (view.state, view.stream) == ("idle", None)
    assert list(roles.wanted()) == []
