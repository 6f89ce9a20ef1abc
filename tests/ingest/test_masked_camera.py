"""No picture of a camera leaves without its masks: at its start, in its changes, in its video."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from api.live.coded import Coded
from ingest.decode import Painter
from ingest.masking import Masking
from ingest.playable import Playable
from ingest.rtsp import RtspCamera
from ingest.tee import Tee
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import Clip, read_clip
from pipeline.messages import CameraId, Capture, Image
from tests.films import number_of
from tests.ingest.test_tee import watched

Film = Callable[..., Path]
GATE = CameraId("gate")
BELOW = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
"""The noise under the bars that are a picture's number."""
BLACK = 24
"""What coding may make of black beside noise."""


@pytest.fixture(autouse=True)
def _no_encoder_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("encoder "):
            thread.join(20)
            assert not thread.is_alive()


def noise(image: Image) -> int:
    """How bright the lower half is, without the line where it is joined to the upper one."""
    return int(np.percentile(image[image.shape[0] // 2 + 4 :], 99))


def decoded(pictures: Sequence[Playable] | Sequence[Coded]) -> Sequence[Image]:
    decoder, painter = av.CodecContext.create("h264", "r"), Painter()
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [one for coded in pictures for one in decoder.decode(av.Packet(coded.data))]
    return [painter.image(one) for one in (*frames, *decoder.decode(None))]


async def test_from_its_first_picture_on_it_is_masked_to_all(film: Film) -> None:
    clip = read_clip(film(40))
    async with VirtualCamera({"gate": clip}) as camera, watched(camera) as watching:
        watching.tee.mask((BELOW,))
        watching.play()
        await watching.see(40)
    assert len(watching.played) > 20
    assert {one.encoded for one in watching.played} == {True}
    assert max(noise(image) for image in decoded(watching.played)) < BLACK
    assert max(noise(frame.paint()) for frame in watching.frames) == 0
    assert [number_of(frame.paint()) for frame in watching.frames] == [
        frame.seq % 40 for frame in watching.frames
    ]


async def test_a_mask_that_is_changed_holds_at_once_and_begins_what_is_played_anew(
    film: Film,
) -> None:
    async with VirtualCamera({"gate": read_clip(film(40))}) as camera, watched(camera) as watching:
        watching.play()
        await watching.see(15)
        plain = [frame.paint() for frame in watching.frames]
        latest = watching.tee.mask((BELOW,))
        before = [*watching.played]
        assert latest >= before[-1].media_time
        await watching.see(3)
        assert watching.played == before
        hidden: list[Playable] = []
        watching.tee.play(hidden.append)
        await watching.see(30)
        watching.tee.mask(())
        open_again: list[Playable] = []
        watching.tee.play(open_again.append)
        await watching.see(30)
    assert {one.encoded for one in before} == {False}
    assert min(noise(image) for image in plain) > 150
    assert hidden[0].key
    assert hidden[0].media_time > latest
    assert len(hidden) > 20
    assert {one.encoded for one in hidden} == {True}
    assert max(noise(image) for image in decoded(hidden)) < BLACK
    assert {one.encoded for one in open_again} == {False}
    goes_on = next(at for at, one in enumerate(open_again) if one.key)
    assert min(noise(image) for image in decoded(open_again[goes_on:])) > 150


async def test_what_is_painted_later_than_a_change_is_masked(film: Film) -> None:
    tee = Tee("gate")
    async with VirtualCamera({"gate": read_clip(film(40))}) as camera:
        async with aclosing(RtspCamera(camera.url("gate"), GATE, tee=tee).frames()) as frames:
            taken: Capture = await anext(frames)
        latest = tee.mask((BELOW,))
        assert noise(taken.paint()) == 0
        assert taken.media_time <= latest


async def test_masks_stay_where_they_are_when_the_resolution_changes(film: Film) -> None:
    small, large = read_clip(film(20)), read_clip(film(20, name="large.mp4", scale=2))
    lap = small.pictures[-1].shown + 3600
    later = [type(one)(one.units, one.shown + lap) for one in large.pictures]
    clip = Clip([*small.pictures, *later], small.rate)
    async with VirtualCamera({"gate": clip}) as camera, watched(camera) as watching:
        watching.tee.mask((BELOW,))
        watching.play()
        await watching.see(90)
    sizes = [frame.paint().shape for frame in watching.frames]
    assert len(sizes) == 90
    assert {before != after for before, after in pairwise(sizes)} == {True, False}
    assert set(sizes) == {(120, 160, 3), (240, 320, 3)}
    for frame in watching.frames:
        assert noise(frame.paint()) == 0
        assert number_of(frame.paint()) == frame.seq % 20
    shown = decoded(watching.played)
    assert {image.shape for image in shown} == set(sizes)
    assert max(map(noise, shown)) < BLACK


async def test_a_mask_holds_over_a_lost_connection(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(40))}) as camera, watched(camera) as watching:
        watching.tee.mask((BELOW,))
        watching.play()
        await watching.see(10)
        camera.kick()
        await watching.see(25)
    assert watching.tee.observed.connections == 2
    assert {one.encoded for one in watching.played} == {True}
    assert max(noise(image) for image in decoded(watching.played)) < BLACK
    assert max(noise(frame.paint()) for frame in watching.frames) == 0


async def test_what_comes_upright_is_masked_as_it_is_seen() -> None:
    """A picture on its side is turned first: masks are told of what a person sees."""

    class OnItsSide:
        rotation = 90

        def __init__(self, picture: av.VideoFrame) -> None:
            self._picture = picture

        def __getattr__(self, name: str) -> object:
            return getattr(self._picture, name)

    tee = Tee("gate")
    tee.mask((((0.0, 0.0), (1.0, 0.0), (1.0, 0.25), (0.0, 0.25)),))
    white = av.VideoFrame.from_ndarray(np.full((64, 128, 3), 255, np.uint8), format="bgr24")
    picture = OnItsSide(white)
    painter = Painter(tee.masking)
    painter._convert = type("", (), {"reformat": lambda _, given, **__: given._picture})()
    image = await asyncio.to_thread(painter.image, picture)  # type: ignore[arg-type]
    assert image.shape == (128, 64, 3)
    assert (image[:32] == 0).all()
    assert (image[33:] == 255).all()


async def test_a_connection_that_is_tried_keeps_nothing_from_before_its_camera_was_masked(
    film: Film,
) -> None:
    """Two tees of one camera: masks that one of them is told hold for what the other one kept."""
    masking = Masking()
    watched_now, tried = Tee("gate", masking=masking), Tee("gate", masking=masking)
    played: list[Playable] = []
    async with VirtualCamera({"gate": read_clip(film(40))}) as camera:
        source = RtspCamera(camera.url("gate"), GATE, tee=tried)
        async with asyncio.timeout(20), aclosing(source.frames()) as frames:
            for _ in range(15):
                await anext(frames)
            watched_now.mask((BELOW,))
            tried.play(played.append)
            for _ in range(15):
                assert noise((await anext(frames)).paint()) == 0
    tried.halt()
    assert len(played) > 5
    assert {one.encoded for one in played} == {True}
