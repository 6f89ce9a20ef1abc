import pytest

from ingest.playable import LARGEST_GROUP, LONGEST_GROUP, LastGroup, Playable


def picture(place: int, *, key: bool = False, size: int = 3) -> Playable:
    return Playable(place, key, False, bytes(size))


def places(group: LastGroup[Playable]) -> list[int]:
    return [one.media_time for one in group.pictures]


def test_it_is_the_last_key_picture_and_all_since() -> None:
    group = LastGroup[Playable]()
    for place in range(5):
        group.add(picture(place))
    assert places(group) == []
    for place in range(5, 25):
        group.add(picture(place, key=place % 10 == 0))
    assert places(group) == [20, 21, 22, 23, 24]
    group.clear()
    group.add(picture(25))
    assert places(group) == []


@pytest.mark.parametrize(
    ("size", "fit"), [(LARGEST_GROUP // 5, 5), (1, LONGEST_GROUP), (LARGEST_GROUP + 1, 0)]
)
def test_too_large_a_group_is_not_kept_until_the_next_one(size: int, fit: int) -> None:
    group = LastGroup[Playable]()
    for place in range(fit):
        group.add(picture(place, key=place == 0, size=size))
    assert places(group) == list(range(fit))
    for place in range(fit, fit + 3):
        group.add(picture(place, key=fit == place == 0, size=size))
        assert places(group) == []
    group.add(picture(fit + 3, key=True))
    assert places(group) == [fit + 3]
