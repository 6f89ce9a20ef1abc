import numpy as np

from pipeline.messages import Probe
from pipeline.tracking.appearance import Alike, Appearance, Likeness

ALIKE = Alike.of_threshold(0.9)


def probe(angle: float, quality: float = 0.5) -> Probe:
    """A probe at so many degrees from the first axis."""
    turn = np.radians(angle)
    return Probe(np.array([np.cos(turn), np.sin(turn)], np.float32), quality)


def kept(*probes: Probe) -> Appearance:
    appearance = Appearance()
    for one in probes:
        appearance.keep(one)
    return appearance


def test_between_same_and_other_lies_what_is_unclear() -> None:
    track = kept(probe(0))
    seen = [track.judge(probe(angle), ALIKE) for angle in (0, 20, 24, 27, 90, 180)]
    same, unclear, other = Likeness.SAME, Likeness.UNCLEAR, Likeness.OTHER
    assert seen == [same, same, unclear, other, other, other]


def test_a_bad_picture_says_nothing_of_who_it_is_not() -> None:
    assert kept(probe(0)).judge(probe(90, 0.05), ALIKE) is Likeness.UNCLEAR


def test_whoever_was_only_seen_badly_may_be_anybody() -> None:
    assert kept(probe(0, 0.05)).judge(probe(90), ALIKE) is Likeness.SAME
    assert kept().judge(probe(90), ALIKE) is Likeness.SAME


def test_a_head_that_turned_is_recognized_from_every_side_it_was_seen_from() -> None:
    track = kept(*[probe(angle) for angle in range(0, 90, 5)])
    assert all(track.similarity(probe(angle).vector) > 0.96 for angle in range(0, 90, 5))


def test_of_faces_that_are_alike_the_best_ones_are_kept() -> None:
    track = kept(*[probe(0, quality / 100) for quality in range(10, 60)], probe(40))
    assert sorted(one.quality for one in track.kept) == [0.5, 0.56, 0.57, 0.58, 0.59]


def test_where_nothing_is_kept_nothing_is_like_it() -> None:
    assert not kept()
    assert kept().similarity(probe(0).vector) == -1
