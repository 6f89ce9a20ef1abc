import pytest

from ingest.source import Life, State, StateChange


def test_every_change_is_told_with_its_reason() -> None:
    told: list[StateChange] = []
    life = Life(told.append)
    life.become(State.CONNECTING)
    life.become(State.WAITING, "refused", retry_in=2.0)
    life.become(State.CONNECTING)
    life.become(State.LIVE)
    assert told == [
        StateChange(State.CONNECTING),
        StateChange(State.WAITING, "refused", 2.0),
        StateChange(State.CONNECTING),
        StateChange(State.LIVE),
    ]


@pytest.mark.parametrize(
    ("past", "then"),
    [
        ([], State.LIVE),
        ([State.CONNECTING], State.CONNECTING),
        ([State.CONNECTING, State.WAITING], State.LIVE),
        ([State.CONNECTING], State.OVERLOADED),
        ([State.CONNECTING, State.LIVE, State.OVERLOADED], State.OVERLOADED),
        ([State.CONNECTING], State.STALLED),
        ([State.CONNECTING, State.LIVE, State.STALLED], State.CONNECTING),
        ([State.CONNECTING, State.FAILED], State.CONNECTING),
        ([State.CONNECTING, State.LIVE, State.ENDED], State.CONNECTING),
    ],
)
def test_a_move_that_makes_no_sense_is_refused(past: list[State], then: State) -> None:
    told: list[StateChange] = []
    life = Life(told.append)
    for state in past:
        life.become(state)
    with pytest.raises(ValueError, match="cannot go"):
        life.become(then)
    assert [change.state for change in told] == past
