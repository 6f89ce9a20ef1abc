"""The screens: nobody looks, nothing is made; whoever is slow hurts only itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import cv2
import numpy as np
import pytest

from api.live.video import Picture, PreviewEncoder, Viewers
from pipeline.messages import CameraId
from tests.fakes import capture

GATE = CameraId("gate")


@asynccontextmanager
async def encoding() -> AsyncIterator[tuple[PreviewEncoder, asyncio.Queue[Picture]]]:
    """An encoder, and what it tells."""
    told = asyncio.Queue[Picture]()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        made = PreviewEncoder(group, lambda _, picture: told.put_nowait(picture))
        yield made, told
        made.close()


async def test_what_is_not_shown_is_not_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    monkeypatch.setattr("api.live.video.jpeg", lambda image, _: encoded.append(image.shape))
    async with encoding() as (encoder, told):
        encoder.show(GATE)
        encoder.hide(GATE)
        for seq in range(5):
            encoder.encode(capture(seq).frame())
            await asyncio.sleep(0.01)
    assert encoded == []
    assert told.empty()


async def test_what_is_shown_is_encoded_with_its_numbers() -> None:
    image = np.full((48, 64, 3), (10, 200, 90), np.uint8)
    async with encoding() as (encoder, told):
        encoder.show(GATE)
        encoder.encode(capture(7, lambda: image).frame())
        picture = await told.get()
    assert (picture.seq, picture.captured_at) == (7, 0.7)
    decoded = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert np.abs(decoded.astype(int) - image).max() < 10


async def test_all_viewers_see_the_same_picture_and_coming_and_going_is_told_once() -> None:
    told: list[tuple[str, CameraId]] = []
    viewers = Viewers(
        lambda camera: told.append(("first", camera)), lambda camera: told.append(("last", camera))
    )
    picture = Picture(1, 9000, 0.1, b"jpeg")
    async with aclosing(viewers.pictures(GATE)) as one, aclosing(viewers.pictures(GATE)) as other:
        looking = [asyncio.ensure_future(anext(viewer)) for viewer in (one, other)]
        await asyncio.sleep(0)
        viewers.show(GATE, picture)
        assert await asyncio.gather(*looking) == [picture, picture]
        assert viewers.has(GATE)
    assert told == [("first", GATE), ("last", GATE)]
    assert not viewers.has(GATE)


async def test_a_viewer_of_a_removed_camera_comes_to_an_end() -> None:
    viewers = Viewers(lambda _: None, lambda _: None)
    async with aclosing(viewers.pictures(GATE)) as viewer:
        looking = asyncio.ensure_future(anext(viewer))
        await asyncio.sleep(0)
        viewers.end(GATE)
        with pytest.raises(StopAsyncIteration):
            await looking


async def test_what_is_at_hand_is_not_told_when_it_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def encode(*_: object) -> bytes:
        return b"jpeg"

    monkeypatch.setattr("api.live.video.jpeg", encode)
    async with encoding() as (encoder, told):
        encoder.show(GATE)
        before, after = capture(1).frame(), capture(2).frame()
        encoder.encode(before)
        encoder.drop(GATE, before.media_time)  # while it is encoded
        while told.empty():
            encoder.encode(after)
            await asyncio.sleep(0.01)
        assert (await told.get()).seq == 2


async def test_what_waits_for_a_viewer_is_dropped_and_he_goes_on() -> None:
    viewers = Viewers(lambda _: None, lambda _: None)
    async with aclosing(viewers.pictures(GATE)) as viewer:
        looking = asyncio.ensure_future(anext(viewer))
        await asyncio.sleep(0)
        for seq in range(3):
            viewers.show(GATE, Picture(seq, seq, 0.0, b"jpeg"))
        assert (await looking).seq == 1  # two wait at the most
        viewers.drop(GATE)
        viewers.show(GATE, Picture(3, 3, 0.0, b"jpeg"))
        assert (await anext(viewer)).seq == 3
