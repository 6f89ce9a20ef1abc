import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from pipeline.identify import DecisionPolicy, Identifier
from pipeline.messages import Comparison, Flaw, Match, PersonId, Status, TrackId, Verdict
from tests.fakes import tracked

POLICY = DecisionPolicy(
    threshold=0.93,
    margin=0.01,
    least_looks=2,
    most_looks=3,
)
ONE = TrackId(1)


def matches(**people: float) -> Comparison:
    ranked = sorted(people.items(), key=lambda item: -item[1])
    return Comparison([Match(PersonId(name), similarity) for name, similarity in ranked], 0.5)


def verdict(identifier: Identifier, track: int = 1) -> Verdict:
    return identifier.decide([tracked(track)])[0].verdict


def test_a_track_nobody_looked_at_is_pending() -> None:
    assert verdict(Identifier(POLICY)) == Verdict(Status.PENDING)


def test_one_look_is_not_enough_for_a_name_and_two_are() -> None:
    identifier = Identifier(POLICY)
    identifier.observe(ONE, 0.0, matches(Ann=0.95, Bob=0.88))
    assert verdict(identifier).status is Status.PENDING
    identifier.observe(ONE, 0.1, matches(Ann=0.97, Bob=0.88))
    assert verdict(identifier) == Verdict(Status.KNOWN, PersonId("Ann"), 0.96)


def test_a_stranger_is_unknown_at_the_first_look() -> None:
    identifier = Identifier(POLICY)
    identifier.observe(ONE, 0.0, matches(Ann=0.88, Bob=0.86))
    assert verdict(identifier) == Verdict(Status.UNKNOWN, None, 0.88)


def test_one_lucky_look_does_not_name_a_stranger() -> None:
    identifier = Identifier(POLICY)
    for similarity in (0.88, 0.96, 0.89):
        identifier.observe(ONE, 0.0, matches(Ann=similarity))
    assert verdict(identifier).status is Status.UNKNOWN


def test_two_people_too_near_to_each_other_are_nobody() -> None:
    identifier = Identifier(POLICY)
    for _ in range(2):
        identifier.observe(ONE, 0.0, matches(Ann=0.950, Bob=0.945))
    assert verdict(identifier).status is Status.UNKNOWN


def test_an_empty_gallery_makes_everyone_unknown() -> None:
    identifier = Identifier(POLICY)
    identifier.observe(ONE, 0.0, matches())
    assert verdict(identifier) == Verdict(Status.UNKNOWN)


def test_a_face_too_small_is_ignored_and_never_named() -> None:
    identifier = Identifier(POLICY)
    identifier.observe(ONE, 0.0, Flaw.TOO_SMALL)
    assert verdict(identifier) == Verdict(Status.IGNORED)


def test_a_known_person_who_walks_away_keeps_the_name() -> None:
    identifier = Identifier(POLICY)
    for _ in range(2):
        identifier.observe(ONE, 0.0, matches(Ann=0.96))
    identifier.observe(ONE, 2.0, Flaw.TOO_SMALL)
    assert verdict(identifier).person == "Ann"


def test_poor_looks_in_between_do_not_hide_a_good_face() -> None:
    identifier = Identifier(POLICY)
    for similarity in (0.95, 0.85, 0.96):
        identifier.observe(ONE, 0.0, matches(Ann=similarity))
    assert verdict(identifier) == Verdict(Status.KNOWN, PersonId("Ann"), 0.955)


def test_old_looks_are_forgotten_so_that_a_wrong_name_can_go() -> None:
    identifier = Identifier(POLICY)
    for _ in range(3):
        identifier.observe(ONE, 0.0, matches(Ann=0.96))
    for _ in range(3):
        identifier.observe(ONE, 1.0, matches(Ann=0.85))
    assert verdict(identifier).status is Status.UNKNOWN


def test_nobody_is_named_twice_in_a_frame_and_the_better_face_keeps_the_name() -> None:
    identifier = Identifier(POLICY)
    for _ in range(2):
        identifier.observe(TrackId(1), 0.0, matches(Ann=0.94))
        identifier.observe(TrackId(2), 0.0, matches(Ann=0.97))
    first, second = identifier.decide([tracked(1), tracked(2)])
    assert (first.verdict.status, first.verdict.person) == (Status.UNKNOWN, None)
    assert (second.verdict.status, second.verdict.person) == (Status.KNOWN, "Ann")


def test_an_ended_track_leaves_no_evidence_behind() -> None:
    identifier = Identifier(POLICY)
    for _ in range(2):
        identifier.observe(ONE, 0.0, matches(Ann=0.96))
    identifier.forget([ONE])
    assert verdict(identifier) == Verdict(Status.PENDING)


def test_what_was_retracted_is_forgotten_and_its_tracks_are_told() -> None:
    identifier = Identifier(POLICY)
    for _ in range(3):
        identifier.observe(ONE, 0.0, matches(Ann=0.96))
        identifier.observe(TrackId(2), 0.0, matches(Bob=0.96))
    assert identifier.retract(PersonId("Ann")) == [ONE]
    assert verdict(identifier).status is Status.PENDING
    assert verdict(identifier, 2).person == "Bob"


names = st.sampled_from(["Ann", "Bob", "Cem"])
looks = st.lists(
    st.tuples(st.integers(1, 4), st.dictionaries(names, st.floats(0.8, 1.0), max_size=3)),
    max_size=30,
)


@given(looks)
def test_whatever_is_seen_each_person_has_one_face_a_frame(
    seen: list[tuple[int, dict[str, float]]],
) -> None:
    identifier = Identifier(dataclasses.replace(POLICY, margin=0.0))
    for track, people in seen:
        identifier.observe(TrackId(track), 0.0, matches(**people))
        faces = identifier.decide([tracked(number) for number in range(1, 5)])
        assert len(faces) == 4
        named = [face.verdict.person for face in faces if face.verdict.person]
        assert len(named) == len(set(named))
        assert all((f.verdict.status is Status.KNOWN) == bool(f.verdict.person) for f in faces)
