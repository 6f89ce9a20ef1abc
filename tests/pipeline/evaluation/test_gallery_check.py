"""A gallery beside itself, counted by hand and by other means."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation import identification
from pipeline.evaluation.comparing import compare_all
from pipeline.evaluation.gallery_check import Doubt, GalleryReport, GalleryStudy
from pipeline.evaluation.verification import operating_point
from pipeline.messages import EnrolledFace, FaceId, PersonId
from tests.evaluations import at


def face(name: str, degrees: float) -> EnrolledFace:
    return EnrolledFace(FaceId(name), PersonId(name[0]), at(degrees))


def checked(
    faces: Sequence[EnrolledFace], threshold: float = 0.9, fmr: float = 0.1
) -> GalleryReport:
    study = GalleryStudy(faces, threshold)
    for rows in study.blocks:
        study.add(rows)
    return study.report(fmr)


ODD = [
    face("a1", 0),
    face("a2", 10),
    face("a3", 90),
    face("b1", 95),
    face("b2", 180),
    face("c1", 270),
]
"""a3 is beside b1 and far from its own; b1 and b2 are far apart; c1 is alone, and like nobody."""


def test_photographs_unlike_their_own_person_or_like_another_are_told_the_oddest_first() -> None:
    found = checked(ODD)
    assert (found.people, found.faces, found.doubtful_faces) == (3, 6, 3)
    by_name = {one.face: one for one in found.doubtful}
    assert by_name[FaceId("a3")].doubts == [Doubt.UNLIKE_OWN, Doubt.LIKE_ANOTHER]
    assert by_name[FaceId("b1")].doubts == [Doubt.UNLIKE_OWN, Doubt.LIKE_ANOTHER]
    assert by_name[FaceId("b2")].doubts == [Doubt.UNLIKE_OWN]
    assert found.doubtful[-1].face == "a3"  # its own are nearest of the three
    own, other = by_name[FaceId("a3")].own, by_name[FaceId("a3")].other
    assert own is not None
    assert other is not None
    assert (own.face, other.face, other.person) == ("a2", "b1", "b")
    assert other.similarity == pytest.approx(np.cos(np.radians(5)), abs=1e-4)


def test_people_who_would_be_missed_are_told_by_how_many_of_their_photographs() -> None:
    found = checked(ODD)
    assert [(one.person, one.missed, one.faces) for one in found.missed] == [
        ("b", 2, 2),
        ("a", 1, 3),
    ]
    assert (found.searches.fnir.events, found.searches.fnir.trials) == (3, 5)
    assert (found.searches.fpir.events, found.searches.fpir.trials) == (2, 6)


def test_the_nearest_two_of_different_people_are_the_strangers_ceiling() -> None:
    found = checked(ODD)
    assert found.nearest is not None
    assert {found.nearest.face, found.nearest.other.face} == {"a3", "b1"}
    assert found.ceiling is not None
    assert found.ceiling.highest == found.nearest.other.similarity
    assert found.ceiling.median <= found.ceiling.most <= found.ceiling.highest


def test_two_people_enrolled_with_one_photograph_are_told() -> None:
    found = checked([face("a1", 0), face("b1", 0), face("c1", 90)])
    assert [one.face for one in found.doubtful] == ["a1", "b1"]
    assert found.nearest is not None
    assert found.nearest.other.similarity == 1


def test_few_comparisons_show_no_low_rate() -> None:
    suggestion = checked(ODD, fmr=0.001).suggestion
    assert suggestion is not None
    assert (suggestion.wanted, suggestion.enough) == (3000, False)
    assert (suggestion.fmr.events, suggestion.fmr.trials) == (0, 11)
    assert suggestion.threshold == pytest.approx(np.cos(np.radians(5)) + 1e-4, abs=1e-4)
    assert suggestion.fmr.high == 3 / 11


@pytest.mark.parametrize("faces", [[], ODD[:1], ODD[:2]])
def test_a_gallery_of_nobody_or_of_one_person_has_no_strangers(
    faces: Sequence[EnrolledFace],
) -> None:
    found = checked(faces)
    assert (found.faces, found.nearest, found.ceiling, found.suggestion) == (
        len(faces),
        None,
        None,
        None,
    )
    assert found.doubtful == []


@pytest.mark.parametrize("number", [0.0, np.nan, np.inf, 3.0])
def test_a_template_that_is_none_is_told_and_compared_with_nothing(number: float) -> None:
    broken = EnrolledFace(FaceId("b9"), PersonId("b"), np.full(2, number, np.float32))
    found = checked([*ODD[:2], broken])
    assert (found.faces, found.doubtful_faces) == (2, 1)
    assert [(one.face, one.doubts) for one in found.doubtful] == [("b9", [Doubt.NO_TEMPLATE])]


def test_of_many_not_all_are_told_but_all_are_counted() -> None:
    same = [face(f"{chr(0x4E00 + n)}1", n / 1000) for n in range(150)]
    found = checked(same)
    assert (len(found.doubtful), found.doubtful_faces) == (100, 150)


FACES = st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 360)), min_size=1, max_size=40)


@given(FACES, st.floats(0.0, 1), st.floats(0.01, 1), st.integers(1, 300))
def test_it_counts_what_each_comparison_by_itself_shows(
    people: list[tuple[str, float]], threshold: float, fmr: float, block: int
) -> None:
    faces = [face(f"{name}{n}", degrees) for n, (name, degrees) in enumerate(people)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identification, "_BLOCK", block)
        found = checked(faces, threshold, fmr)
    owners = np.array([ord(name) for name, _ in people])
    scores = compare_all(np.stack([one.vector for one in faces]), owners)
    alone = operating_point(scores, threshold)
    # What lies at the threshold itself may fall to either side: sums differ in their last digit.
    if not np.isclose(np.append(scores.mated, scores.non_mated), threshold, atol=1e-5).any():
        assert found.comparisons == alone
    if (suggestion := found.suggestion) is not None:
        assert suggestion.fmr.rate is not None
        assert suggestion.fmr.rate <= fmr
        assert operating_point(scores, suggestion.threshold + 1e-5).fmr.events <= (
            fmr * len(scores.non_mated)
        )
        lower = operating_point(scores, suggestion.threshold - 1.1e-4).fmr.events
        assert lower > fmr * len(scores.non_mated) or suggestion.threshold == -1
