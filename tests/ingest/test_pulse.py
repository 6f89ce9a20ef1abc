import pytest

from ingest.pulse import Pulse
from tests.ingest.test_load import Clock


@pytest.mark.parametrize(
    ("rate", "patience"), [(25.0, 1.0), (12.5, 1.0), (5.0, 2.0), (1.0, 4.0), (0.1, 4.0)]
)
def test_ten_pictures_may_be_missing_and_some_seconds_at_the_most(
    rate: float, patience: float
) -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for _ in range(100):
        clock.now += 1 / rate
        pulse.beat()
    clock.now += patience - 0.1
    assert not pulse.stalled
    clock.now += 0.2
    assert pulse.stalled
    pulse.beat()
    assert not pulse.stalled


def test_a_rate_that_is_not_known_yet_is_waited_for() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    clock.now += 3.9
    assert not pulse.stalled
    clock.now += 0.2
    assert pulse.stalled
    pulse.begin()
    assert not pulse.stalled


def test_one_stall_does_not_make_it_patient() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for _ in range(100):
        clock.now += 0.04
        pulse.beat()
    clock.now += 3.5
    pulse.beat()
    for _ in range(40):
        clock.now += 0.04
        pulse.beat()
    clock.now += 1.1
    assert pulse.stalled
