from hypothesis import given
from hypothesis import strategies as st

from pipeline.counterexamples import believable, is_counter, other_than
from pipeline.messages import Match, PersonId

ANN, BOB = PersonId("Ann"), PersonId("Bob")


def test_who_is_nearer_to_a_counterexample_than_to_her_is_not_her() -> None:
    for near, people in ((0.96, [BOB]), (0.95, [BOB]), (0.94, [ANN, BOB])):
        matches = [Match(ANN, 0.95), Match(other_than(ANN), near), Match(BOB, 0.9)]
        assert [one.person for one in believable(matches)] == people


def test_a_counterexample_of_somebody_is_nobody_elses() -> None:
    assert believable([Match(other_than(ANN), 0.99), Match(BOB, 0.9)]) == [Match(BOB, 0.9)]


@given(st.uuids().map(str).map(PersonId))
def test_nobody_is_taken_for_a_counterexample(person: PersonId) -> None:
    assert not is_counter(person)
    assert is_counter(other_than(person))
