import dataclasses
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.counterexamples import other_than
from pipeline.evidence import weigh
from pipeline.identify import DecisionPolicy, Identifier
from pipeline.messages import (
    Comparison,
    Flaw,
    Match,
    Moment,
    PersonId,
    Status,
    TrackId,
    Verdict,
)
from tests.fakes import tracked

POLICY = DecisionPolicy(
    threshold=0.93,
    margin=0.01,
    hysteresis=0.15,
    least_looks=2,
    most_looks=3,
)
ONE = TrackId(1)


def matches(quality: float = 0.5, /, **people: float) -> Comparison:
    ranked = sorted(people.items(), key=lambda item: -item[1])
    return Comparison([Match(PersonId(name), similarity) for name, similarity in ranked], quality)


def frame(number: int) -> Moment:
    return Moment(number, number * 7200, number / 12.5)


def verdict(identifier: Identifier, track: int = 1) -> Verdict:
    return identifier.decide([tracked(track)], frame(0)).faces[0].verdict


def named(identifier: Identifier, *tracks: int) -> list[PersonId | None]:
    decided = identifier.decide([tracked(track) for track in tracks], frame(0))
    return [face.verdict.person for face in decided.faces]


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
    for quality, similarity in ((0.5, 0.95), (0.05, 0.80), (0.5, 0.96)):
        identifier.observe(ONE, 0.0, matches(quality, Ann=similarity))
    found = verdict(identifier)
    assert found.person == "Ann"
    assert found.similarity == pytest.approx((0.5 * 0.95 + 0.05 * 0.80 + 0.5 * 0.96) / 1.05)


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
    first, second = identifier.decide([tracked(1), tracked(2)], frame(0)).faces
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
        faces = identifier.decide([tracked(number) for number in range(1, 5)], frame(0)).faces
        assert len(faces) == 4
        named = [face.verdict.person for face in faces if face.verdict.person]
        assert len(named) == len(set(named))
        assert all((f.verdict.status is Status.KNOWN) == bool(f.verdict.person) for f in faces)


ANN, BOB = PersonId("Ann"), PersonId("Bob")


def look(identifier: Identifier, track: int, *looks: Comparison) -> None:
    for one in looks:
        identifier.observe(TrackId(track), 0.0, one)


def test_a_name_stays_until_the_evidence_has_clearly_fallen() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, most_looks=2))
    look(identifier, 1, *[matches(Ann=0.94)] * 2)
    assert named(identifier, 1) == [ANN]
    look(identifier, 1, *[matches(Ann=0.921)] * 2)
    assert named(identifier, 1) == [ANN]
    look(identifier, 1, *[matches(Ann=0.918)] * 2)
    assert named(identifier, 1) == [None]
    look(identifier, 1, *[matches(Ann=0.921)] * 2)
    assert named(identifier, 1) == [None]


def test_a_name_goes_where_somebody_else_is_clearly_nearer_though_not_near_enough() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, most_looks=2, hysteresis=0.5))
    look(identifier, 1, *[matches(Ann=0.94, Bob=0.9)] * 2)
    assert named(identifier, 1) == [ANN]
    look(identifier, 1, *[matches(Ann=0.905, Bob=0.912)] * 2)
    assert named(identifier, 1) == [ANN]
    look(identifier, 1, *[matches(Ann=0.905, Bob=0.926)] * 2)
    assert named(identifier, 1) == [None]


def test_one_good_look_does_not_name_by_itself_however_many_poor_ones_there_were() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, most_looks=8))
    look(identifier, 1, *[matches(0.02, Ann=0.93)] * 3, matches(0.9, Ann=0.96))
    assert verdict(identifier).status is Status.PENDING
    look(identifier, 1, matches(0.9, Ann=0.96))
    assert verdict(identifier).person == "Ann"


def test_a_wrong_first_name_is_revised_by_better_looks_and_it_is_said_since_when() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, most_looks=8))
    face = [tracked(1)]
    poor, good = matches(0.2, Ann=0.94, Bob=0.9), matches(0.9, Bob=0.96, Ann=0.85)
    told = []
    for number, one in enumerate([poor, poor, poor, good, good, good]):
        identifier.observe(ONE, 0.0, one)
        decided = identifier.decide(face, frame(number))
        told.append((decided.faces[0].verdict.person, list(decided.revisions)))
    assert [person for person, _ in told] == [None, ANN, ANN, BOB, BOB, BOB]
    (revision,) = told[3][1]
    assert (revision.track, revision.was, revision.since) == (ONE, ANN, frame(1))
    assert (revision.verdict.status, revision.verdict.person) == (Status.KNOWN, BOB)
    assert all(not revisions for _, revisions in (*told[:3], *told[4:]))


def test_one_name_follows_on_another_in_one_revision_where_enough_looks_carry_it() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, most_looks=2))
    look(identifier, 1, *[matches(Ann=0.94, Bob=0.9)] * 2)
    identifier.decide([tracked(1)], frame(1))
    look(identifier, 1, *[matches(Bob=0.95, Ann=0.88)] * 2)
    (revision,) = identifier.decide([tracked(1)], frame(5)).revisions
    assert (revision.was, revision.verdict.person, revision.since) == (ANN, BOB, frame(1))


def test_who_loses_a_name_to_a_better_face_was_wrong() -> None:
    identifier = Identifier(POLICY)
    look(identifier, 1, *[matches(Ann=0.935)] * 2)
    identifier.decide([tracked(1)], frame(0))
    look(identifier, 2, *[matches(Ann=0.97)] * 2)
    decided = identifier.decide([tracked(1), tracked(2)], frame(1))
    assert [face.verdict.person for face in decided.faces] == [None, ANN]
    assert [(one.track, one.was, one.since) for one in decided.revisions] == [(1, ANN, frame(0))]


def test_two_like_faces_do_not_hand_a_name_to_and_fro() -> None:
    identifier = Identifier(POLICY)
    look(identifier, 1, *[matches(Ann=0.95)] * 3)
    assert named(identifier, 1) == [ANN]
    for similarity in (0.952, 0.948, 0.955, 0.945):
        look(identifier, 2, *[matches(Ann=similarity)] * 3)
        assert named(identifier, 1, 2) == [ANN, None]


def test_a_tie_is_decided_where_the_other_one_is_surely_somewhere_else() -> None:
    identifier = Identifier(POLICY)
    look(identifier, 1, *[matches(Ann=0.960, Bob=0.957)] * 2)
    assert named(identifier, 1) == [None]
    look(identifier, 2, *[matches(Ann=0.958, Bob=0.931)] * 2)
    assert named(identifier, 1, 2) == [BOB, ANN]
    assert named(identifier, 1) == [BOB], "what was decided stays when the other one goes"


def test_nobody_gets_the_second_best_name_because_the_best_is_taken() -> None:
    identifier = Identifier(POLICY)
    look(identifier, 1, *[matches(Ann=0.97, Bob=0.9)] * 2)
    look(identifier, 2, *[matches(Ann=0.95, Bob=0.935)] * 2)
    assert named(identifier, 1, 2) == [ANN, None]


def test_two_people_enrolled_with_one_photograph_are_never_named() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, margin=0.005))
    for track in (1, 2):
        look(identifier, track, *[matches(Ann=0.97, Bob=0.97)] * 2)
    for faces in ((1,), (2,), (1, 2)):
        assert named(identifier, *faces) == [None] * len(faces)


def test_a_name_that_hung_on_another_one_falls_with_it() -> None:
    """Track 1 would be Ann as Bob is track 2; but that is as much like Cem."""
    identifier = Identifier(POLICY)
    look(identifier, 1, *[matches(Ann=0.95, Bob=0.949, Cem=0.9)] * 2)
    look(identifier, 2, *[matches(Bob=0.96, Cem=0.9599, Ann=0.9)] * 2)
    assert named(identifier, 1, 2) == [None, None]


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_no_number_names_nobody_and_hides_nobody(wrong: float) -> None:
    identifier = Identifier(POLICY)
    look(identifier, 1, *[matches(Ann=wrong)] * 3)
    assert verdict(identifier) == Verdict(Status.PENDING)
    identifier = Identifier(POLICY)
    look(identifier, 1, matches(Ann=0.95), matches(Ann=wrong, Bob=0.8), matches(Ann=0.95))
    assert verdict(identifier).person == "Ann"
    identifier = Identifier(POLICY)
    look(identifier, 1, matches(wrong, Ann=0.8), matches(0.5, Ann=0.95), matches(0.5, Ann=0.95))
    assert verdict(identifier).person == "Ann"


def test_who_is_enrolled_while_she_stands_there_is_judged_by_looks_at_the_new_gallery() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, most_looks=8))
    look(identifier, 1, *[matches(Bob=0.85)] * 6)
    assert verdict(identifier).status is Status.UNKNOWN
    look(identifier, 1, *[matches(Ann=0.96, Bob=0.85)] * 2)
    assert verdict(identifier) == Verdict(Status.KNOWN, ANN, 0.96)


def test_who_had_no_name_is_judged_anew_when_somebody_is_enrolled_and_names_stay() -> None:
    """A better photograph of Ann: the looks at the gallery before it would hide her for long."""
    identifier = Identifier(dataclasses.replace(POLICY, least_looks=3, most_looks=8))
    look(identifier, 1, *[matches(0.9, Ann=0.88, Bob=0.85)] * 8)
    look(identifier, 2, *[matches(0.9, Bob=0.96, Ann=0.85)] * 8)
    assert named(identifier, 1, 2) == [None, BOB]
    assert identifier.renew() == [ONE, TrackId(2)]
    assert named(identifier, 1, 2) == [None, BOB]
    assert verdict(identifier).status is Status.UNKNOWN
    look(identifier, 1, *[matches(0.5, Ann=0.95, Bob=0.85)] * 3)
    found = verdict(identifier)
    assert found.person == ANN
    assert found.similarity == pytest.approx(0.95)


def with_counter(quality: float, counter: float, **people: float) -> Comparison:
    """A look that also lists a counter-example of Ann."""
    shown = matches(quality, **people)
    anchored = [*shown.matches, Match(other_than(ANN), counter)]
    return Comparison(sorted(anchored, key=lambda one: -one.similarity), quality)


def test_who_is_nearer_to_a_counterexample_is_not_named_and_nobody_else_is() -> None:
    identifier = Identifier(POLICY)
    look(identifier, 1, *[with_counter(0.5, 0.96, Ann=0.95, Bob=0.935)] * 3)
    assert (verdict(identifier).status, verdict(identifier).person) == (Status.UNKNOWN, None)
    identifier = Identifier(POLICY)
    look(identifier, 1, *[with_counter(0.5, 0.94, Ann=0.95, Bob=0.9)] * 3)
    assert verdict(identifier).person == ANN


def test_a_counterexample_takes_nothing_from_others() -> None:
    identifier = Identifier(POLICY)
    look(identifier, 1, *[with_counter(0.5, 0.99, Bob=0.95, Ann=0.9)] * 3)
    assert verdict(identifier).person == BOB


def test_a_counterexample_that_comes_later_revises_the_name() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, most_looks=8))
    look(identifier, 1, *[matches(0.9, Ann=0.95, Bob=0.9)] * 8)
    identifier.decide([tracked(1)], frame(0))
    assert identifier.renew() == [ONE]
    look(identifier, 1, with_counter(0.5, 0.97, Ann=0.95, Bob=0.9))
    (revision,) = identifier.decide([tracked(1)], frame(9)).revisions
    assert (revision.was, revision.verdict.status) == (ANN, Status.UNKNOWN)


def test_good_looks_are_kept_while_poor_ones_come() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, least_looks=3, most_looks=8))
    look(identifier, 1, *[matches(0.8, Ann=0.95)] * 3, *[matches(0.1, Ann=0.85)] * 20)
    assert named(identifier, 1) == [ANN]


def test_however_good_the_looks_were_the_latest_find_out_that_it_is_somebody_else() -> None:
    identifier = Identifier(dataclasses.replace(POLICY, least_looks=3, most_looks=8))
    look(identifier, 1, *[matches(0.9, Ann=0.96)] * 8)
    assert named(identifier, 1) == [ANN]
    look(identifier, 1, *[matches(0.8, Ann=0.84)] * 3)
    assert named(identifier, 1) == [None]


def test_who_is_not_among_the_nearest_is_no_nearer_than_the_last_of_them() -> None:
    identifier = Identifier(POLICY)
    look(identifier, 1, matches(Bob=0.9, Cem=0.86), *[matches(Ann=0.96, Bob=0.9)] * 2)
    found = verdict(identifier).similarity
    assert found == pytest.approx((0.86 + 0.96 + 0.96) / 3)


def test_a_deletion_is_no_revision_and_costs_others_nothing() -> None:
    identifier = Identifier(POLICY)
    look(identifier, 1, *[matches(Ann=0.96, Bob=0.9)] * 3)
    look(identifier, 2, *[matches(Bob=0.96, Ann=0.9)] * 3)
    assert named(identifier, 1, 2) == [ANN, BOB]
    assert identifier.retract(ANN) == [ONE]
    decided = identifier.decide([tracked(1), tracked(2)], frame(1))
    assert [face.verdict.status for face in decided.faces] == [Status.PENDING, Status.KNOWN]
    assert decided.revisions == []
    look(identifier, 1, matches(Bob=0.9))
    assert verdict(identifier) == Verdict(Status.UNKNOWN, None, 0.9)


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.dictionaries(names, st.floats(0.8, 1.0), max_size=3)),
        min_size=2,
        max_size=5,
    )
)
def test_the_order_of_the_looks_does_not_count(
    seen: list[tuple[float, dict[str, float]]],
) -> None:
    looks_at = [matches(quality, **people) for quality, people in seen]
    forward, backward = weigh(looks_at), weigh(reversed(looks_at))
    assert forward == backward
    assert forward == weigh([*looks_at[1:], looks_at[0]])


@given(st.lists(st.floats(-0.0099, 0.0099), min_size=1, max_size=30))
def test_evidence_that_trembles_around_the_threshold_gives_a_name_once_and_takes_none(
    trembling: list[float],
) -> None:
    identifier = Identifier(dataclasses.replace(POLICY, least_looks=1, most_looks=1))
    told = []
    for number, off in enumerate(trembling):
        identifier.observe(ONE, 0.0, matches(Ann=0.93 + off))
        decided = identifier.decide([tracked(1)], frame(number))
        assert decided.revisions == []
        told.append(decided.faces[0].verdict.person)
    changes = [one for one, _ in itertools.groupby(told)]
    assert changes in ([ANN], [None], [None, ANN])


@given(looks, st.permutations([1, 2, 3, 4]))
def test_in_which_order_the_faces_come_does_not_count(
    seen: list[tuple[int, dict[str, float]]], order: list[int]
) -> None:
    identifier, other = Identifier(POLICY), Identifier(POLICY)
    for number, (track, people) in enumerate(seen):
        for one, faces in ((identifier, [1, 2, 3, 4]), (other, order)):
            one.observe(TrackId(track), 0.0, matches(**people))
            decided = one.decide([tracked(face) for face in faces], frame(number))
            assert [face.face.track for face in decided.faces] == faces
        assert named(identifier, 1, 2, 3, 4) == named(other, 1, 2, 3, 4)


@given(looks)
def test_each_change_of_a_name_is_one_revision_and_there_is_no_other(
    seen: list[tuple[int, dict[str, float]]],
) -> None:
    identifier, called = Identifier(POLICY), dict[TrackId, PersonId]()
    for number, (track, people) in enumerate(seen):
        identifier.observe(TrackId(track), 0.0, matches(**people))
        decided = identifier.decide([tracked(one) for one in range(1, 5)], frame(number))
        now = {one.face.track: one.verdict.person for one in decided.faces}
        wrong = {track: was for track, was in called.items() if now[track] != was}
        assert {one.track: one.was for one in decided.revisions} == wrong
        called = {track: person for track, person in now.items() if person is not None}
