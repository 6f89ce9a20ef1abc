"""A camera that is tried: measured, kept open, let go."""

import threading
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from ingest.address import CameraUrl
from ingest.opening import Limits
from ingest.rtsp import RtspCamera
from ingest.tee import Tee
from ingest.trial import Trial, measured
from ingest.troubles import NoSuchStream, Silent
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip
from pipeline.messages import CameraId
from tests.films import number_of

Film = Callable[..., Path]
TRIED = CameraId("tried")
BRIEF = Limits(connect=2, silence=1)


def trial_of(url: CameraUrl) -> Trial:
    tee = Tee()
    return Trial(RtspCamera(url, TRIED, BRIEF, tee=tee), tee, str(url))


async def test_what_comes_of_a_camera_is_measured(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(30))}) as camera:
        trial = trial_of(camera.url("gate"))
        first = await trial.open(10)
        seen = await measured(trial, 0.25, most=5)
    assert number_of(first.paint()) == 0
    assert (seen.codec, seen.width, seen.height) == ("H.264", 160, 120)
    assert seen.pictures_per_second == pytest.approx(25, rel=0.1)
    assert seen.key_interval == pytest.approx(0.4, abs=0.05)
    assert seen.bit_rate is not None
    assert seen.bit_rate > 10_000
    assert seen.first_picture == 0.25
    assert seen.clock_skew is not None
    assert abs(seen.clock_skew) < 1


async def test_its_first_picture_comes_again_and_the_connection_goes_on(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(30))}) as camera:
        trial = trial_of(camera.url("gate"))
        await trial.open(10)
        numbers = []
        async with aclosing(trial.frames()) as captures:
            async for capture in captures:
                numbers.append(number_of(capture.paint()))
                if len(numbers) == 5:
                    break
        assert camera.clients <= 1
    assert numbers[0] == 0
    assert numbers == sorted(numbers)


async def test_who_is_let_go_leaves_no_connection(
    film: Film, decoding_threads: Callable[[], list[threading.Thread]]
) -> None:
    async with VirtualCamera({"gate": read_clip(film(30))}) as camera:
        trial = trial_of(camera.url("gate"))
        await trial.open(10)
        assert len(decoding_threads()) == 1
        await trial.close()
        assert decoding_threads() == []
        await trial.close()  # nothing is left to close


async def test_why_nothing_is_seen_is_said_and_no_thread_stays(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(3))}) as camera:
        with pytest.raises(NoSuchStream):
            await trial_of(camera.url("yard")).open(10)
        camera.stall()
        with pytest.raises(Silent, match=r"no picture within 0\.5 s"):
            await trial_of(camera.url("gate")).open(0.5)
