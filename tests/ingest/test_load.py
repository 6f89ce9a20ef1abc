from ingest.load import Load, LoadMeter, Overload


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_totals_become_rates_every_two_seconds() -> None:
    clock = Clock()
    meter = LoadMeter(clock)
    loads: list[Load] = []
    for second in range(1, 9):
        clock.now += 1
        if (load := meter.update(asked=12 * second, got=5 * second)) is not None:
            loads.append(load)
    assert loads == [Load(12.0, 5.0)] * 4


def verdicts(*got: float) -> list[bool]:
    """Of ten frames a second."""
    overload = Overload()
    return [overload.update(Load(10.0, one)) for one in got]


def test_it_is_believed_after_three_periods_and_ended_after_three() -> None:
    assert verdicts(5, 5, 5, 5, 10, 10, 10, 10) == [False] * 2 + [True] * 4 + [False] * 2


def test_what_comes_and_goes_changes_nothing() -> None:
    assert verdicts(*[5, 5, 10] * 5) == [False] * 15
    assert verdicts(5, 5, 5, *[10, 10, 5] * 5) == [False] * 2 + [True] * 16


def test_between_too_few_and_enough_it_stays_as_it_is() -> None:
    assert verdicts(*[9] * 10) == [False] * 10
    assert verdicts(5, 5, 5, *[9] * 10) == [False] * 2 + [True] * 11
