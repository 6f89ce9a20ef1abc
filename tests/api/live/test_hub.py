"""The hub and the screens: whoever is slow hurts only itself, and nobody looks, nothing is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import cv2
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from api.live.hub import Hub
from api.live.video import Picture, PreviewEncoder, Viewers
from api.live.wire import CameraMessage, FrameMessage
from ingest.source import State
from pipeline.messages import CameraId
from tests.fakes import capture

GATE, YARD = CameraId("gate"), CameraId("yard")


def seen(camera: CameraId, seq: int) -> FrameMessage:
    return FrameMessage(
        camera=camera,
        seq=seq,
        captured_at=seq / 10,
        rtp_timestamp=None,
        media_time=0,
        width=64,
        height=48,
        faces=(),
    )


def state(camera: CameraId, now: State) -> CameraMessage:
    return CameraMessage(camera=camera, state=now, reason="", since=1.0)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def hub(registry: CollectorRegistry) -> Hub:
    return Hub(registry)


async def test_a_listener_hears_only_of_its_cameras(hub: Hub) -> None:
    async with aclosing(hub.subscribe({GATE})) as messages:
        first = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0)
        hub.publish(seen(YARD, 1))
        hub.publish(seen(GATE, 2))
        assert await first == seen(GATE, 2)


async def test_the_present_state_comes_first(hub: Hub) -> None:
    hub.publish(state(GATE, State.CONNECTING))
    hub.publish(state(GATE, State.LIVE))
    hub.publish(state(YARD, State.WAITING))
    async with aclosing(hub.subscribe(None)) as messages:
        assert [await anext(messages), await anext(messages)] == [
            state(GATE, State.LIVE),
            state(YARD, State.WAITING),
        ]
    hub.forget(GATE)
    assert hub.state(GATE) is None


async def test_a_slow_listener_misses_the_oldest_and_delays_nobody(
    hub: Hub, registry: CollectorRegistry
) -> None:
    async with aclosing(hub.subscribe(None)) as slow, aclosing(hub.subscribe(None)) as quick:
        late = asyncio.ensure_future(anext(slow))
        first = asyncio.ensure_future(anext(quick))
        await asyncio.sleep(0)
        heard = []
        for seq in range(200):
            hub.publish(seen(GATE, seq))
            heard.append(await (anext(quick) if seq else first))
        assert heard == [seen(GATE, seq) for seq in range(200)]
        assert [await late, await anext(slow)] == [seen(GATE, 0), seen(GATE, 200 - 64)]
    assert registry.get_sample_value("faceapi_listener_drops_total") == 199 - 64
    assert registry.get_sample_value("faceapi_listeners") == 0


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
