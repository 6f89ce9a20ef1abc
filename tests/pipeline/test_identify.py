import dataclasses
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pipeline.identify import DecisionPolicy, Identifier
from pipeline.messages import Match, PersonId, Status, TrackId, Verdict
from pipeline.quality import Flaw
from tests.fakes import tracked

POLICY = DecisionPolicy(
    threshold=0.93,
    margin=0.01,
    least_looks=2,
    most_looks=3,
    retry=0.2,
    unknown_interval=0.5,
    known_interval=2.0,
)
ONE = TrackId(1)


def matches(**people: float) -> Sequence[Match]:
    ranked = sorted(people.items(), key=lambda item: -item[1])
    return [Match(PersonId(name), similarity) for name, similarity in ranked]


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
    identifier.observe(ONE, 0.0, [])
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


def returned(*before: Sequence[Match], policy: DecisionPolicy = POLICY) -> Identifier:
    """Track 1 is new and begins where track 9, of these looks, ended."""
    identifier = Identifier(policy)
    for look in before:
        identifier.observe(TrackId(9), 0.0, look)
    identifier.forget([TrackId(9)])
    identifier.inherit({ONE: TrackId(9)})
    return identifier


def test_who_returns_is_named_by_one_look_that_agrees() -> None:
    identifier = returned(*[matches(Ann=0.96, Bob=0.8)] * 2)
    assert verdict(identifier) == Verdict(Status.PENDING)
    assert due(identifier, 0.0)
    identifier.observe(ONE, 0.0, matches(Ann=0.94, Bob=0.8))
    assert (verdict(identifier).status, verdict(identifier).person) == (Status.KNOWN, "Ann")


def test_who_sits_down_in_somebodys_place_never_gets_the_name() -> None:
    for stranger in (matches(Ann=0.9, Bob=0.8), matches(Bob=0.9, Ann=0.8), []):
        identifier = returned(*[matches(Ann=0.96, Bob=0.8)] * 3)
        for n in range(5):
            identifier.observe(ONE, n / 10, stranger)
            assert verdict(identifier).status is Status.UNKNOWN


def test_another_person_in_that_place_gets_her_own_name() -> None:
    identifier = returned(*[matches(Ann=0.96, Bob=0.8)] * 3)
    for n in range(2):
        identifier.observe(ONE, n / 10, matches(Bob=0.97, Ann=0.8))
    assert verdict(identifier) == Verdict(Status.KNOWN, PersonId("Bob"), 0.97)


def test_a_lucky_look_in_somebodys_place_gives_the_name_for_an_instant_only() -> None:
    policy = dataclasses.replace(POLICY, least_looks=3, most_looks=8)
    identifier = returned(*[matches(Ann=0.96)] * 8, policy=policy)
    identifier.observe(ONE, 0.0, matches(Ann=0.94))
    assert not due(identifier, 0.1)
    assert due(identifier, 0.2)
    identifier.observe(ONE, 0.2, matches(Ann=0.9))
    assert verdict(identifier).status is Status.UNKNOWN


def test_a_stranger_who_returns_is_soon_left_alone_again() -> None:
    identifier = returned(*[matches(Ann=0.88)] * 3)
    for n in range(2):
        assert due(identifier, n / 5)
        identifier.observe(ONE, n / 5, matches(Ann=0.87))
    assert verdict(identifier) == Verdict(Status.UNKNOWN, None, 0.875)
    assert not due(identifier, 0.6)
    assert due(identifier, 0.75)


def test_what_was_retracted_is_not_inherited() -> None:
    identifier = Identifier(POLICY)
    for _ in range(3):
        identifier.observe(TrackId(9), 0.0, matches(Ann=0.96))
    identifier.forget([TrackId(9)])
    identifier.retract(PersonId("Ann"))
    identifier.inherit({ONE: TrackId(9)})
    identifier.observe(ONE, 0.0, matches(Ann=0.96))
    assert verdict(identifier).status is Status.PENDING
    heir = returned(*[matches(Ann=0.96)] * 3)
    heir.retract(PersonId("Ann"))
    heir.observe(ONE, 0.0, matches(Ann=0.96))
    assert verdict(heir).status is Status.PENDING


def due(identifier: Identifier, now: float, behind: float = 0.0) -> bool:
    return bool(identifier.due([tracked(1)], now, behind))


def test_while_frames_wait_a_sure_name_waits_longer_then_a_judged_stranger_never_a_new_track() -> (
    None
):
    sure, stranger = Identifier(POLICY), Identifier(POLICY)
    for _ in range(3):
        sure.observe(ONE, 0.0, matches(Ann=0.96))
        stranger.observe(ONE, 0.0, matches(Ann=0.85))
    assert [due(sure, 2.0, behind) for behind in (0.5, 1, 2, 9)] == [True, False, False, False]
    assert [due(stranger, 0.5, behind) for behind in (0.5, 1, 2, 9)] == [True, True, False, False]
    assert due(sure, 8.0, 9)
    assert due(stranger, 2.0, 9)
    assert due(Identifier(POLICY), 0.0, 9)


def test_while_many_frames_wait_a_stranger_is_judged_by_the_least_looks() -> None:
    identifier = Identifier(POLICY)
    identifier.observe(ONE, 0.0, matches(Ann=0.85))
    assert due(identifier, 0.1, behind=2)
    identifier.observe(ONE, 0.1, matches(Ann=0.85))
    assert due(identifier, 0.2, behind=1)
    assert not due(identifier, 0.2, behind=2)


def test_a_new_track_is_looked_at_in_every_frame_until_it_is_named() -> None:
    identifier = Identifier(POLICY)
    for similarity in (0.96, 0.85):
        assert due(identifier, 0.01)
        identifier.observe(ONE, 0.0, matches(Ann=similarity))
    assert due(identifier, 0.01)
    identifier.observe(ONE, 0.0, matches(Ann=0.96))
    assert not due(identifier, 0.01)


def test_somebody_unknown_is_left_alone_for_a_while_after_enough_looks() -> None:
    identifier = Identifier(POLICY)
    for _ in range(3):
        assert due(identifier, 0.01)
        identifier.observe(ONE, 0.0, matches(Ann=0.85))
    assert not due(identifier, 0.4)
    assert due(identifier, 0.5)


def test_decided_tracks_are_looked_at_again_after_their_interval() -> None:
    identifier = Identifier(POLICY)
    for _ in range(2):
        identifier.observe(ONE, 1.0, matches(Ann=0.96))
    assert not due(identifier, 2.9)
    assert due(identifier, 3.0)
    for _ in range(3):
        identifier.observe(ONE, 3.0, matches(Ann=0.80))
    assert not due(identifier, 3.4)
    assert due(identifier, 3.5)


def test_a_face_that_could_not_be_compared_is_retried_soon_but_not_at_once() -> None:
    identifier = Identifier(POLICY)
    identifier.observe(ONE, 0.0, Flaw.NO_POINTS)
    assert not due(identifier, 0.1)
    assert due(identifier, 0.2)


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
