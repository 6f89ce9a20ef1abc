from hypothesis import given
from hypothesis import strategies as st

from pipeline.geometry import Corners, overlap
from pipeline.tracking.matching import pair


def box(x: float, y: float = 0.0, side: float = 100.0) -> Corners:
    return x, y, x + side, y + side


def test_the_likeliest_pair_goes_first_and_each_is_paired_once() -> None:
    found = pair([box(30), box(10)], [box(0), box(500)], 0.2, near=True)
    assert found.pairs == [(1, 0)]
    assert found.unsure == {0}


def test_faces_apart_are_sure_and_one_between_two_tracks_makes_both_unsure() -> None:
    apart = pair([box(0), box(300)], [box(5), box(295)], 0.2, near=True)
    assert (sorted(apart.pairs), apart.unsure) == ([(0, 0), (1, 1)], set())
    between = pair([box(50)], [box(0), box(100), box(900)], 0.2, near=True)
    assert (len(between.pairs), between.unsure) == (1, {0, 1})


def test_a_small_face_that_leapt_a_little_is_paired_but_unsure() -> None:
    leapt, place = box(30, 30, 40), box(48, 30, 25)
    assert pair([leapt], [box(30, 48, 40)], 0.5, near=True).unsure == {0}
    assert pair([leapt], [place], 0.2, near=False).pairs in ([], [(0, 0)])
    assert pair([box(0, 0, 40)], [box(18, 18, 40)], 0.5, near=False).pairs == []
    assert pair([box(0, 0, 40)], [box(10, 10, 40)], 0.5, near=True).pairs == [(0, 0)]


def test_nothing_is_paired_with_what_is_far_or_of_another_size() -> None:
    assert pair([box(0)], [box(400), box(45, 45, 10)], 0.2, near=True).pairs == []
    assert pair([], [box(0)], 0.2, near=True).pairs == []
    assert pair([box(0)], [], 0.2, near=True).pairs == []


boxes = st.lists(
    st.builds(box, st.floats(-100, 1000), st.floats(-100, 1000), st.floats(1, 400)), max_size=8
)


@given(boxes, boxes)
def test_whatever_overlaps_is_found_and_each_is_paired_once(
    faces: list[Corners], places: list[Corners]
) -> None:
    found = pair(faces, places, 0.2, near=False)
    paired, tracks = [face for face, _ in found.pairs], [track for _, track in found.pairs]
    assert (len(set(paired)), len(set(tracks))) == (len(paired), len(tracks))
    assert all(overlap(faces[face], places[track]) >= 0.2 for face, track in found.pairs)
    for face, one in enumerate(faces):
        for track, place in enumerate(places):
            if overlap(one, place) >= 0.2:
                assert face in paired or track in tracks
