"""Options of a camera in the process that watches it: what changes while it plays, and masks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from api.live.local import LocalEngine, Numbers
from api.live.video import Picture
from api.settings.sections import RtspSettings
from ingest.fleet import CameraSpec
from ingest.options import CameraOptions
from ingest.playable import Playable
from ingest.source import StateChange
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip
from pipeline.build import Pipeline
from pipeline.messages import CameraId, Capture, Detected, Image, Result
from pipeline.settings import PipelineSettings
from tests.fakes import ScriptedGallery
from tests.films import write_film
from tests.ingest.test_masked_camera import BELOW, BLACK, decoded, noise

GATE = CameraId("gate")
MASKED = CameraOptions(masks=(BELOW,))
RTSP = RtspSettings(allowed_networks="127.0.0.0/8")


class SeesNobody:
    """A line of rooms that finds no face."""

    async def detect(self, capture: Capture) -> Detected:
        return Detected(await asyncio.to_thread(capture.frame), [])

    async def identify(self, detected: Detected) -> Result:
        frame = detected.frame
        height, width = frame.image.shape[:2]
        return Result(
            frame.camera, frame.seq, frame.media_time, frame.captured_at, None, width, height, []
        )


class Output:
    """Keeps all that it is told."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.pictures: list[Picture] = []
        self.played: list[Playable] = []
        self.states: list[StateChange] = []

    def seen(self, result: Result) -> None:
        self.results.append(result)

    def changed(self, _: CameraId, change: StateChange) -> None:
        self.states.append(change)

    def shown(self, _: CameraId, picture: Picture) -> None:
        self.pictures.append(picture)

    async def coded(self, _: CameraId, picture: Playable) -> None:
        self.played.append(picture)

    def lost(self, pictures: int) -> None:
        raise AssertionError(pictures)

    def decodes(self, _: CameraId) -> None:
        pass


@asynccontextmanager
async def watching() -> AsyncIterator[tuple[LocalEngine, Output]]:
    """An engine whose one camera is looked at and played."""
    pipeline = SimpleNamespace(
        settings=PipelineSettings(),
        lanes=SimpleNamespace(turn=nullcontext),
        recognizer=lambda *_: SeesNobody(),
    )
    output = Output()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        engine = LocalEngine(group, cast("Pipeline", pipeline), ScriptedGallery([]), RTSP, output)
        yield engine, output
        await engine.remove(GATE)
        engine.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - told by lists
        await asyncio.sleep(0.01)


def images(pictures: list[Picture]) -> list[Image]:
    found = [cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR) for one in pictures]
    return [np.asarray(image, np.uint8) for image in found if image is not None]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4", 50)


async def test_masks_and_rate_are_followed_without_a_new_connection(film: Path) -> None:
    async with VirtualCamera({"gate": read_clip(film)}) as camera, watching() as (engine, output):
        spec = CameraSpec(GATE, camera.url("gate"))
        await engine.put(spec)
        engine.show(GATE)
        engine.play(GATE)
        await until(lambda: min(len(output.pictures), len(output.played)) > 10)
        latest = engine.mask(GATE, MASKED.masks)
        plain, before = len(output.pictures), len(output.played)
        await engine.put(replace(spec, options=MASKED))
        await until(lambda: min(len(output.pictures) - plain, len(output.played) - before) > 15)
        await engine.put(replace(spec, options=MASKED.changed({"analysed": 5})))
        all_before = len(output.results)
        await until(lambda: len(output.results) > all_before + 10)
        slow = output.results[all_before + 1 :]
        observed = engine.observed()[GATE]
    assert min(map(noise, images(output.pictures[:plain]))) > 150
    assert max(map(noise, images(output.pictures[plain:]))) < BLACK
    assert min(one.media_time for one in output.pictures[plain:]) > latest
    assert {one.encoded for one in output.played[:before]} == {False}
    assert {one.encoded for one in output.played[before:]} == {True}
    assert max(map(noise, decoded(output.played[before:]))) < BLACK
    assert min(one.media_time for one in output.played[before:]) > latest
    assert slow[-1].seq - slow[0].seq == len(slow) - 1  # none of those that are wanted was lost
    assert (slow[-1].media_time - slow[0].media_time) / (len(slow) - 1) > 2 * 3600
    assert observed.connections == 1


@pytest.mark.parametrize("at_first", [CameraOptions(), MASKED], ids=["plain", "masked"])
async def test_another_address_is_masked_from_its_first_picture_on(
    film: Path, at_first: CameraOptions
) -> None:
    clips = {"gate": read_clip(film), "yard": read_clip(film)}
    async with VirtualCamera(clips) as camera, watching() as (engine, output):
        await engine.put(CameraSpec(GATE, camera.url("gate"), at_first))
        engine.show(GATE)
        await until(lambda: len(output.pictures) > 5)
        after = Numbers(output.results[-1].seq, 0, output.results[-1].media_time)
        await engine.exchange(CameraSpec(GATE, camera.url("yard"), MASKED), after)
        begun = len(output.pictures)
        await until(lambda: len(output.pictures) > begun + 5)
        engine.play(GATE)  # what was kept of the new address is from before it was masked
        await until(lambda: len(output.played) > 10 and camera.clients == 1)
    assert max(map(noise, images(output.pictures[begun:]))) < BLACK
    assert {one.encoded for one in output.played} == {True}
    assert max(map(noise, decoded(output.played))) < BLACK


async def test_a_camera_that_is_checked_is_masked_as_it_would_be(film: Path) -> None:
    async with VirtualCamera({"gate": read_clip(film)}) as camera, watching() as (engine, _):
        plain, masked = await asyncio.gather(
            *(engine.check(camera.url("gate"), told) for told in (CameraOptions(), MASKED))
        )
    shown = [Picture(0, 0, 0.0, one.jpeg) for one in (plain, masked)]
    bright, dark = map(noise, images(shown))
    assert bright > 150
    assert dark < BLACK
