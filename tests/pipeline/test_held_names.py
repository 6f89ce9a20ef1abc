"""Over a change of the pack a track keeps its name, until the new one has looked."""

from collections.abc import Sequence

from pipeline.held_names import HeldNames
from pipeline.messages import IdentifiedFace, PersonId, Status, TrackId, Verdict
from tests.fakes import tracked

ANN, BOB = PersonId("Ann"), PersonId("Bob")
UNKNOWN, PENDING = Verdict(Status.UNKNOWN, None, 0.4), Verdict(Status.PENDING)


def known(person: PersonId) -> Verdict:
    return Verdict(Status.KNOWN, person, 0.95)


def over(
    names: HeldNames, now: float, *verdicts: Verdict, ended: Sequence[int] = ()
) -> list[PersonId | None]:
    """Whom the faces of a frame are named as; they are tracks 1, 2, ..."""
    faces = [IdentifiedFace(tracked(number), one) for number, one in enumerate(verdicts, 1)]
    shown = names.over(faces, [TrackId(one) for one in ended], now)
    return [face.verdict.person for face in shown]


def held(*verdicts: Verdict) -> HeldNames:
    names = HeldNames()
    over(names, 9.9, *verdicts)
    names.hold()
    return names


def test_without_a_change_verdicts_are_what_they_are() -> None:
    names = HeldNames()
    assert over(names, 0, known(ANN)) == [ANN]
    assert over(names, 1, UNKNOWN) == [None]


def test_a_name_is_held_while_the_new_pack_has_none_for_two_seconds_at_the_most() -> None:
    names = held(known(ANN), UNKNOWN)
    assert over(names, 10.0, PENDING, PENDING) == [ANN, None]
    assert over(names, 11.9, UNKNOWN, PENDING) == [ANN, None]
    assert over(names, 12.1, UNKNOWN, PENDING) == [None, None]


def test_the_new_packs_word_counts_as_soon_as_there_is_one() -> None:
    names = held(known(ANN))
    assert over(names, 10.0, known(BOB)) == [BOB]
    assert over(names, 10.1, UNKNOWN) == [None]


def test_whom_the_new_pack_names_elsewhere_is_held_nowhere() -> None:
    names = held(known(ANN), UNKNOWN)
    assert over(names, 10.0, PENDING, known(ANN)) == [None, ANN]


def test_a_track_that_was_not_seen_for_a_frame_has_its_name_when_it_is_back() -> None:
    names = HeldNames()
    over(names, 9.8, known(ANN))
    over(names, 9.9)
    names.hold()
    assert over(names, 10.0, PENDING) == [ANN]


def test_a_name_ends_with_its_track() -> None:
    names = HeldNames()
    over(names, 9.8, known(ANN))
    over(names, 9.9, ended=[1])
    names.hold()
    assert over(names, 10.0, PENDING) == [None]


def test_a_deleted_person_is_held_nowhere() -> None:
    names = held(known(ANN), known(BOB))
    names.retract(ANN)
    assert over(names, 10.0, PENDING, PENDING) == [None, BOB]
    names.hold()  # nor does she come back
    assert over(names, 10.1, PENDING, PENDING) == [None, BOB]
