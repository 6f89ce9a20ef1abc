import pytest

from api.live.streams import Streams
from ingest.observed import Observed
from pipeline.messages import CameraId
from tests.ingest.test_load import Clock

GATE = CameraId("gate")


def observed(pictures: int, connections: int = 1) -> Observed:
    return Observed("H.264", 960, 540, 1000 * pictures, pictures, pictures // 2, 2.0, connections)


def test_rates_are_those_of_the_last_seconds() -> None:
    clock = Clock()
    streams = Streams(clock)
    for half in range(41):  # 20 s at 10 pictures a second, then 5 s at 20
        clock.now = half / 2
        streams.told(GATE, observed(5 * half))
    for half in range(1, 11):
        clock.now = 20 + half / 2
        streams.told(GATE, observed(200 + 10 * half))
        streams.seen(GATE, 0.1 * half, dropped=1)
    status = streams.status(GATE)
    assert status is not None
    assert (status.pictures_per_second, status.decoded_per_second) == (20, 10)
    assert status.bit_rate == 160_000
    assert (status.analysed_per_second, status.dropped_per_second) == (2, 2)
    assert status.delay_p50 == pytest.approx(0.6)
    assert status.delay_p95 == pytest.approx(1.0)
    assert (status.codec, status.width, status.key_interval) == ("H.264", 960, 2.0)


def test_nothing_is_said_of_a_camera_that_never_came() -> None:
    streams = Streams()
    assert streams.status(GATE) is None
    streams.told(GATE, Observed())
    assert streams.status(GATE) is None


def test_a_new_process_counts_anew_and_connections_go_on() -> None:
    clock = Clock()
    streams = Streams(clock)
    streams.told(GATE, observed(1000, connections=3))
    clock.now = 1.0
    streams.told(GATE, observed(0, connections=0))
    clock.now = 2.0
    streams.told(GATE, observed(10, connections=1))
    status = streams.status(GATE)
    assert status is not None
    assert status.pictures_per_second == 10
    assert status.connections == 4
    assert status.coded_bytes == 1_010_000


def test_who_is_gone_is_forgotten() -> None:
    streams = Streams()
    streams.told(GATE, observed(10))
    streams.forget(GATE)
    assert list(streams.statuses()) == []
