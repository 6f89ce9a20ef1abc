"""A few values, kept by when they were asked for."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.device.recent import Recent


def test_whichever_was_asked_for_longest_ago_goes() -> None:
    recent = Recent[str, int](2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]


@given(keys=st.lists(st.integers(0, 6), max_size=40), most=st.integers(1, 5))
def test_there_are_never_more_and_the_latest_are_there(keys: list[int], most: int) -> None:
    made = list[int]()
    recent = Recent[int, str](most)

    def make(key: int) -> str:
        made.append(key)
        return str(key)

    for at, key in enumerate(keys):
        latest = list(dict.fromkeys(reversed(keys[:at])))[:most]
        before = len(made)
        assert recent.of(key, make) == str(key)
        assert (len(made) == before) == (key in latest)
        assert len(recent) <= most
