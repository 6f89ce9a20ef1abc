"""What lies on a device: uploaded once, in nobody's way, forgotten in time."""

import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.device.pictures import Pictures
from pipeline.errors import BadInput
from pipeline.messages import Image


class FakeMemory:
    """A device's memory that notes what is written to it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.pixels = np.zeros((size, 3), np.uint8)
        self.written: list[int] = []
        self.allowed = threading.Event()
        self.allowed.set()
        self.fails: Exception | None = None

    def write(self, first: int, image: Image) -> None:
        assert self.allowed.wait(10)
        if self.fails:
            raise self.fails
        flat = image.reshape(-1, 3)
        self.pixels[first : first + len(flat)] = flat
        self.written.append(int(image[0, 0, 0]))


def picture(shade: int, height: int = 2, width: int = 5) -> Image:
    return np.full((height, width, 3), shade, np.uint8)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what other threads do."""
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.005)
    pytest.fail("it never came true")


def test_a_picture_is_uploaded_once_however_often_it_is_looked_at() -> None:
    memory = FakeMemory(100)
    pictures, image = Pictures(memory), picture(7)
    with pictures.held(image) as first, pictures.held(image) as again:
        assert first == again
    with pictures.held(image) as later:
        assert later == first
    assert memory.written == [7]
    assert image in pictures


def test_pictures_that_look_alike_are_two() -> None:
    memory = FakeMemory(100)
    pictures, one, other = Pictures(memory), picture(7), picture(7)
    with pictures.held(one) as first, pictures.held(other) as second:
        assert first != second


def test_a_picture_goes_with_its_image() -> None:
    memory = FakeMemory(100)
    pictures, image = Pictures(memory), picture(7)
    with pictures.held(image):
        assert pictures.free == 90
    del image
    gc.collect()
    assert pictures.free == 100


def test_who_was_used_longest_ago_makes_room() -> None:
    memory = FakeMemory(30)
    pictures = Pictures(memory)
    images = [picture(shade) for shade in range(4)]
    for shade in (0, 1, 2, 0, 3):
        with pictures.held(images[shade]):
            pass
    assert [image in pictures for image in images] == [True, False, True, True]
    with pictures.held(images[1]):
        pass
    assert memory.written == [0, 1, 2, 3, 1], "once more, when it was asked for again"


def test_what_is_in_use_stays_and_who_finds_no_room_waits() -> None:
    memory = FakeMemory(20)
    pictures, images = Pictures(memory), [picture(shade) for shade in range(3)]
    with ThreadPoolExecutor(1) as lanes:
        with ExitStack() as users:
            for image in images[:2]:
                users.enter_context(pictures.held(image))

            def look() -> None:
                with pictures.held(images[2]):
                    pass

            waiting = lanes.submit(look)
            threading.Event().wait(0.05)
            assert not waiting.done()
            assert memory.written == [0, 1]
        waiting.result(10)
    assert memory.written == [0, 1, 2]


def test_two_that_ask_for_a_new_picture_at_once_share_one_upload() -> None:
    memory = FakeMemory(20)
    memory.allowed.clear()
    pictures, image = Pictures(memory), picture(7)

    def look() -> list[int]:
        with pictures.held(image) as first:
            return list(memory.pixels[first])

    with ThreadPoolExecutor(4) as lanes:
        looks = [lanes.submit(look) for _ in range(4)]
        until(lambda: pictures.busy == 4)
        memory.allowed.set()
        assert [look.result(10) for look in looks] == [[7, 7, 7]] * 4
    assert memory.written == [7]
    assert pictures.busy == 0


def test_an_upload_that_fails_fails_for_all_and_leaves_nothing() -> None:
    memory = FakeMemory(20)
    memory.allowed.clear()
    memory.fails = RuntimeError("no such device")
    pictures, image = Pictures(memory), picture(7)

    def look() -> None:
        with pictures.held(image):
            pytest.fail("it is not there")

    with ThreadPoolExecutor(2) as lanes:
        looks = [lanes.submit(look) for _ in range(2)]
        until(lambda: pictures.busy == 2)
        memory.allowed.set()
        for each in looks:
            with pytest.raises(RuntimeError, match="no such device"):
                each.result(10)
    assert pictures.free == 20
    memory.fails = None
    with pictures.held(image):
        assert memory.written == [7]


def test_a_picture_larger_than_the_memory_is_refused() -> None:
    with (
        pytest.raises(BadInput, match=r"5 x 2 has 10 pixels; allowed on the device: 9 \(INF"),
        Pictures(FakeMemory(9)).held(picture(7)),
    ):
        pytest.fail("it cannot be there")


@given(
    shapes=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=8),
    looks=st.lists(st.integers(0, 7), max_size=60),
    lost=st.sets(st.integers(0, 7)),
)
def test_whatever_comes_and_goes_each_sees_its_own_picture(
    shapes: list[tuple[int, int]], looks: list[int], lost: set[int]
) -> None:
    """Also where images die and others get their ids."""
    memory = FakeMemory(80)
    pictures = Pictures(memory)
    images: dict[int, Image] = {}
    with ExitStack() as users:
        for turn, look in enumerate(looks):
            number = look % len(shapes)
            if number in lost:
                images.pop(number, None)
            image = images.setdefault(number, picture(turn, *shapes[number]))
            first = users.enter_context(pictures.held(image))
            seen = memory.pixels[first : first + image.shape[0] * image.shape[1]]
            assert (seen == image.reshape(-1, 3)).all()
            if turn % 2:
                users.close()


def test_lanes_that_fight_for_room_each_see_their_own_picture_and_none_waits_for_ever() -> None:
    """Eight lanes, room for five pictures; some images die while others ask for them anew."""
    memory = FakeMemory(50)
    pictures = Pictures(memory)
    shared = [picture(shade) for shade in range(6)]

    def look(lane: int) -> int:
        random, seen = np.random.default_rng(lane), 0
        for turn in range(150):
            own = picture(100 + lane, 1 + turn % 2, 1 + turn % 5)
            image = own if turn % 3 == 0 else shared[int(random.integers(len(shared)))]
            with pictures.held(image) as first:
                flat = image.reshape(-1, 3)
                seen += bool((memory.pixels[first : first + len(flat)] == flat).all())
        return seen

    with ThreadPoolExecutor(8) as lanes:
        looks = [lanes.submit(look, lane) for lane in range(8)]
        assert [each.result(60) for each in looks] == [150] * 8
    assert pictures.busy == 0
    shared.clear()
    gc.collect()
    assert pictures.free == 50
