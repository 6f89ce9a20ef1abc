"""What Prometheus is told, and that it ends when what it tells of is gone."""

import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api.http import problem_details
from api.http.health import Health
from api.http.traffic import Traffic
from api.live.metrics import CameraMetrics
from api.live.seen import seen
from api.live.wire import FrameMessage, frame_message
from api.program.machine import tell_of_machine
from api.program.vitals import at_cameras, at_disks, at_parts
from api.shards.messages import Device
from api.store.cameras import Cameras
from api.store.database import Database
from api.store.sealing import Keyring
from ingest.address import CameraUrl
from ingest.source import State
from pipeline.errors import Transient
from pipeline.inference import Network
from pipeline.messages import CameraId, IdentifiedFace, Result, Status, Verdict
from tests.fakes import tracked

GATE, YARD = CameraId("gate"), CameraId("yard")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> CameraMetrics:
    return CameraMetrics(registry)


def result(seq: int, *statuses: Status, camera: CameraId = GATE, age: float = 0.0) -> FrameMessage:
    faces = [
        IdentifiedFace(tracked(track), Verdict(status, None, None))
        for track, status in enumerate(statuses)
    ]
    result = Result(camera, seq, seq * 9000, time.time() - age, None, 64, 48, faces)
    return frame_message(seen(result), str)


def labels_of(registry: CollectorRegistry, name: str) -> list[dict[str, str]]:
    text = generate_latest(registry).decode()
    samples = (one for family in text_string_to_metric_families(text) for one in family.samples)
    return [sample.labels for sample in samples if sample.name == name]


def test_frames_whose_numbers_are_missing_were_dropped(
    metrics: CameraMetrics, registry: CollectorRegistry
) -> None:
    for seq in (7, 8, 11, 12, 20):
        metrics.seen(result(seq))
        metrics.seen(result(seq - 7, camera=YARD))
    for camera in (GATE, YARD):
        label: dict[str, str] = {"camera": camera}
        assert registry.get_sample_value("faceapi_frames_total", label) == 5
        assert registry.get_sample_value("faceapi_frames_dropped_total", label) == 2 + 7


def test_a_camera_that_begins_to_count_anew_has_dropped_nothing(
    metrics: CameraMetrics, registry: CollectorRegistry
) -> None:
    for seq in (500, 0, 1):
        metrics.seen(result(seq))
    metrics.forget(GATE)
    metrics.seen(result(900))
    assert registry.get_sample_value("faceapi_frames_dropped_total", {"camera": GATE}) == 0


def test_faces_are_counted_by_camera_and_by_what_is_known_of_them(
    metrics: CameraMetrics, registry: CollectorRegistry
) -> None:
    metrics.seen(result(0, Status.KNOWN, Status.UNKNOWN))
    metrics.seen(result(1, Status.KNOWN))
    label = {"camera": GATE, "status": "known"}
    assert registry.get_sample_value("faceapi_faces_total", label) == 2


def test_the_delay_is_from_capture_to_now(
    metrics: CameraMetrics, registry: CollectorRegistry
) -> None:
    metrics.seen(result(0, age=0.6))
    bucket = {"camera": GATE, "le": "0.5"}
    assert registry.get_sample_value("faceapi_delay_seconds_bucket", bucket) == 0
    assert registry.get_sample_value("faceapi_delay_seconds_bucket", bucket | {"le": "5.0"}) == 1


def test_a_camera_that_was_never_live_counts_from_0(
    metrics: CameraMetrics, registry: CollectorRegistry
) -> None:
    metrics.changed(GATE, State.CONNECTING)
    for name in ("frames_total", "frames_dropped_total", "camera_connections_total"):
        assert registry.get_sample_value(f"faceapi_{name}", {"camera": GATE}) == 0


def test_a_camera_is_in_one_state_and_its_connections_are_counted(
    metrics: CameraMetrics, registry: CollectorRegistry
) -> None:
    life = (State.CONNECTING, State.LIVE, State.WAITING, State.CONNECTING, State.LIVE)
    for state in life:
        metrics.changed(GATE, state)
        values = {
            one: registry.get_sample_value("faceapi_camera_state", {"camera": GATE, "state": one})
            for one in State
        }
        assert values == {one: float(one is state) for one in State}
    label: dict[str, str] = {"camera": GATE}
    assert registry.get_sample_value("faceapi_camera_connections_total", label) == 2


def test_an_overload_that_ends_is_no_new_connection(
    metrics: CameraMetrics, registry: CollectorRegistry
) -> None:
    for state in (State.CONNECTING, State.LIVE, State.OVERLOADED, State.STALLED, State.LIVE):
        metrics.changed(GATE, state)
    label: dict[str, str] = {"camera": GATE}
    assert registry.get_sample_value("faceapi_camera_connections_total", label) == 1


def test_no_series_of_a_camera_outlives_it(
    metrics: CameraMetrics, registry: CollectorRegistry
) -> None:
    for camera in (GATE, YARD):
        metrics.changed(camera, State.LIVE)
        metrics.seen(result(0, Status.KNOWN, Status.PENDING, camera=camera))
    assert b'"gate"' in generate_latest(registry)
    metrics.forget(GATE)
    text = generate_latest(registry)
    assert b'"gate"' not in text
    assert text.count(b'"yard"') > 20


async def test_each_part_of_health_is_a_gauge(registry: CollectorRegistry) -> None:
    troubles = {"index": ""}

    async def index() -> None:
        if troubles["index"]:
            raise Transient(troubles["index"])

    async def well() -> None: ...

    look = at_parts(registry, Health({"index": index, "lanes": well}))
    for trouble, value in (("", 1), ("away, at 192.0.2.7", 0), ("", 1)):
        troubles["index"] = trouble
        await look()
        assert registry.get_sample_value("faceapi_part_up", {"part": "index"}) == value
        assert registry.get_sample_value("faceapi_part_up", {"part": "lanes"}) == 1
        assert b"192.0.2.7" not in generate_latest(registry)


async def test_a_camera_has_its_present_name_as_long_as_it_is_to_be_watched(
    registry: CollectorRegistry, truth: Database, keys: Keyring
) -> None:
    cameras, url = Cameras(truth, keys), CameraUrl.parse("rtsp://somebody:secret@192.0.2.7/a")
    odd = 'the "east" gate\\ #1'
    gate = await cameras.add(odd, url, enabled=True)
    yard = await cameras.add("Yard", url, enabled=True)
    await cameras.add("Off", url, enabled=False)
    look = at_cameras(registry, cameras)

    async def seen() -> dict[str, str]:
        await look()
        found = labels_of(registry, "faceapi_camera_info")
        return {one["camera"]: one["name"] for one in found}

    assert await seen() == {gate.id: odd, yard.id: "Yard"}
    await cameras.change(yard.id, name="Back yard")
    assert await seen() == {gate.id: odd, yard.id: "Back yard"}
    await cameras.change(yard.id, enabled=False)
    assert await seen() == {gate.id: odd}
    await cameras.remove(gate.id)
    assert await seen() == {}
    assert b"secret" not in generate_latest(registry)


async def test_disks_are_told_by_a_word_even_before_their_folder_is_there(
    registry: CollectorRegistry, tmp_path: Path
) -> None:
    await at_disks(registry, {"data": tmp_path, "cache": tmp_path / "not" / "yet"})()
    whole = shutil.disk_usage(tmp_path).total
    for word in ("data", "cache"):
        label = {"folder": word}
        assert registry.get_sample_value("faceapi_disk_size_bytes", label) == whole
        free = registry.get_sample_value("faceapi_disk_free_bytes", label)
        assert free is not None
        assert 0 < free <= whole
    assert str(tmp_path).encode() not in generate_latest(registry)


class Moved(Network):
    """A network that ONNX Runtime moves off its device."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.now = ["CUDAExecutionProvider", "CPUExecutionProvider"]

    @property
    def providers(self) -> list[str]:
        return self.now


def test_the_device_is_the_one_that_is_used_at_that_moment(registry: CollectorRegistry) -> None:
    network = Moved("cuda:0")
    tell_of_machine(
        registry, {"embedder": network}, lambda: [("1", Device("detector", "cpu", "cpu"))]
    )
    asked = {"network": "embedder", "asked": "cuda:0"}
    in_shard = {"network": "detector", "asked": "cpu", "used": "cpu", "shard": "1"}
    mine, there = labels_of(registry, "faceapi_device_info")
    assert (mine, there) == (asked | {"used": "cuda", "shard": ""}, in_shard)
    network.now = ["CPUExecutionProvider"]
    assert labels_of(registry, "faceapi_device_info")[0]["used"] == "cpu"


def test_the_process_and_the_version_are_told(registry: CollectorRegistry) -> None:
    tell_of_machine(registry, {}, list)
    memory = registry.get_sample_value("process_resident_memory_bytes")
    assert memory is not None
    assert memory > 10e6
    held = registry.get_sample_value("process_open_fds")
    assert held == pytest.approx(len(list(Path("/proc/self/fd").iterdir())), abs=3)
    ((version),) = (one["version"] for one in labels_of(registry, "faceapi_build_info"))
    assert version[0].isdigit()


@pytest.fixture
async def client(registry: CollectorRegistry) -> AsyncIterator[httpx.AsyncClient]:
    app, router = FastAPI(), APIRouter(prefix="/cameras")

    @router.get("/{camera}")
    async def camera(camera: str) -> str:
        return {"broken": ""}[camera] if camera == "lost" else camera

    app.include_router(router, prefix="/api/v1")
    problem_details.install(app)
    app.add_middleware(Traffic, registry=registry)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as opened:
        yield opened


async def test_requests_are_told_by_route_never_by_path(
    client: httpx.AsyncClient, registry: CollectorRegistry
) -> None:
    for name in ("gate", "yard", "lost"):
        await client.get(f"/api/v1/cameras/{name}")
    told = {"method": "GET", "route": "/cameras/{camera}"}
    count = registry.get_sample_value
    assert count("faceapi_http_requests_total", told | {"status": "200"}) == 2
    assert count("faceapi_http_requests_total", told | {"status": "500"}) == 1
    assert count("faceapi_http_request_seconds_count", told) == 3
    assert b"yard" not in generate_latest(registry)


async def test_whatever_is_invented_is_one_series(
    client: httpx.AsyncClient, registry: CollectorRegistry
) -> None:
    for number in range(20):
        await client.request(f"VERB{number}", f"/invented/{number}")
    label = {"method": "other", "route": "other", "status": "404"}
    assert registry.get_sample_value("faceapi_http_requests_total", label) == 20
    assert len(labels_of(registry, "faceapi_http_requests_total")) == 1
