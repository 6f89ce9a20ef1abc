"""Cameras come and go, and none of them harms another."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from ingest.address import CameraUrl
from ingest.fleet import CameraSpec, Fleet, Restarts
from ingest.source import State, StateChange
from pipeline.errors import Fatal, Misconfigured
from pipeline.messages import CameraId

QUICK = Restarts(most=3, pause=0.001)
Watch = Callable[[CameraSpec], Awaitable[None]]


def spec(name: str, path: str = "/1") -> CameraSpec:
    return CameraSpec(CameraId(name), CameraUrl.parse(f"rtsp://192.0.2.7{path}"))


class Watched:
    """Watches that last until they are cancelled, and take note of it."""

    def __init__(self) -> None:
        self.running: list[CameraSpec] = []
        self.begun: list[str] = []
        self.told: list[tuple[CameraId, StateChange]] = []

    async def watch(self, one: CameraSpec) -> None:
        self.begun.append(one.camera)
        self.running.append(one)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # a connection takes a moment to close
            self.running.remove(one)

    def tell(self, camera: CameraId, change: StateChange) -> None:
        self.told.append((camera, change))


@asynccontextmanager
async def fleet_of(watch: Watch, told: Watched) -> AsyncIterator[Fleet]:
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        fleet = Fleet(group, watch, told.tell, QUICK)
        yield fleet
        for camera in list(told.begun):
            await fleet.remove(CameraId(camera))


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - any condition
            await asyncio.sleep(0.001)


async def test_the_same_camera_again_is_not_disturbed() -> None:
    seen = Watched()
    async with fleet_of(seen.watch, seen) as fleet:
        await fleet.put(spec("gate"))
        await settled()
        await fleet.put(spec("gate"))
        await settled()
        assert seen.begun == ["gate"]


async def test_another_address_takes_the_place_of_the_former() -> None:
    seen = Watched()
    async with fleet_of(seen.watch, seen) as fleet:
        await fleet.put(spec("gate", "/1"))
        await settled()
        await fleet.put(spec("gate", "/2"))
        await settled()
        assert seen.running == [spec("gate", "/2")]


async def test_a_camera_is_gone_when_its_removal_returns() -> None:
    seen = Watched()
    async with fleet_of(seen.watch, seen) as fleet:
        await fleet.put(spec("gate"))
        await fleet.put(spec("yard"))
        await settled()
        await fleet.remove(CameraId("gate"))
        assert seen.running == [spec("yard")]
        await fleet.remove(CameraId("no such camera"))


async def test_a_camera_that_is_slow_to_close_delays_no_other() -> None:
    seen, closing = Watched(), asyncio.Event()

    async def watch(one: CameraSpec) -> None:
        try:
            await seen.watch(one)
        finally:
            if one.camera == "mute":
                await closing.wait()

    async with fleet_of(watch, seen) as fleet:
        await fleet.put(spec("mute"))
        await settled()
        removing = asyncio.create_task(fleet.remove(CameraId("mute")))
        await fleet.put(spec("gate"))
        await settled()
        assert not removing.done()
        assert spec("gate") in seen.running
        closing.set()
        await removing


async def test_a_camera_that_breaks_is_begun_again_and_harms_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen, broken = Watched(), 0

    async def watch(one: CameraSpec) -> None:
        nonlocal broken
        if one.camera == "bad" and broken < 2:
            broken += 1
            raise ZeroDivisionError
        await seen.watch(one)

    async with fleet_of(watch, seen) as fleet:
        with caplog.at_level(logging.ERROR):
            await fleet.put(spec("gate"))
            await fleet.put(spec("bad"))
            await until(lambda: spec("bad") in seen.running)
        assert [change.state for _, change in seen.told] == [State.FAILED] * 2
        assert {camera for camera, _ in seen.told} == {"bad"}
        assert seen.begun.count("gate") == 1
        assert caplog.text.count("camera bad broke\nTraceback") == 2


async def test_a_camera_that_breaks_every_time_is_given_up() -> None:
    seen, attempts = Watched(), 0

    async def watch(one: CameraSpec) -> None:
        nonlocal attempts
        attempts += 1
        raise ZeroDivisionError(one.camera)

    async with fleet_of(watch, seen) as fleet:
        await fleet.put(spec("bad"))
        await until(lambda: len(seen.told) == 4)
        assert attempts == 3
        assert "3 times" in seen.told[-1][1].reason


async def test_what_a_person_must_change_is_not_tried_again_until_it_is_put_again() -> None:
    seen, attempts = Watched(), 0

    async def watch(one: CameraSpec) -> None:
        nonlocal attempts
        attempts += 1
        raise Misconfigured(f"{one.camera}: another password")

    async with fleet_of(watch, seen) as fleet:
        await fleet.put(spec("gate"))
        await settled()
        assert (attempts, seen.told) == (1, [])
        await fleet.put(spec("gate"))
        await settled()
        assert attempts == 2


async def test_what_is_fatal_to_all_ends_the_group_with_the_real_error() -> None:
    seen = Watched()

    async def watch(one: CameraSpec) -> None:
        if one.camera == "last":
            raise Fatal("the network does not run any more")
        await seen.watch(one)

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            fleet = Fleet(group, watch, seen.tell, QUICK)
            await fleet.put(spec("gate"))
            await fleet.put(spec("last"))
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await run()
    assert [str(error) for error in raised.value.exceptions] == [
        "the network does not run any more"
    ]
    assert seen.running == []
