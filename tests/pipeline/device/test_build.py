"""The whole way of a pack with joined networks, on ONNX Runtime's CPU in place of GPUs."""

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest

from pipeline import build as building
from pipeline import networks
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.device.extract import DeviceExtractor
from pipeline.device.opening import DeviceNetworks
from pipeline.device.runtime import JoinedNetwork
from pipeline.errors import Fatal, Misconfigured
from pipeline.geometry import corners_of, overlap
from pipeline.graphs.joined import VECTORS
from pipeline.inference import Tensor
from pipeline.messages import Image, Probe
from pipeline.packs.half import with_half_precision
from pipeline.packs.pack import Pack
from pipeline.sessions import open_session
from pipeline.settings import PipelineSettings

GPUS = ["cpu", "cpu"]
"""Two devices of this machine's processor, each with a memory and sessions of its own."""


def settings(pack: Path, device: str = "cpu", batch: str | int = 2) -> PipelineSettings:
    return PipelineSettings.model_validate(
        {
            "model": {"pack": str(pack), "device": device},
            "inference": {"batch": batch, "picture_memory": 128, "lanes": 2},
        }
    )


@pytest.fixture(scope="module")
def pack(yunet_dlib: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    cache = tmp_path_factory.mktemp("cache")
    return open_configured_pack(settings(yunet_dlib).model, cache, lambda *_: None)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "devices_of", lambda _: GPUS)


@pytest.fixture
def host(pack: Pack, yunet_dlib: Path) -> Iterator[Pipeline]:
    engine = build(settings(yunet_dlib), pack)
    yield engine
    engine.close()


@pytest.fixture
def device(pack: Pack, yunet_dlib: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.setattr(building, "devices_of", lambda _: GPUS)
    engine = build(settings(yunet_dlib, "cuda:0,1"), pack)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def frames(test_data: Path) -> Sequence[Image]:
    film = cv2.VideoCapture(
        str(test_data / "clips" / "head-pose-face-detection-female-and-male.mp4")
    )
    pictures = [film.read()[1] for _ in range(40)][::8]
    assert len(pictures) == 5
    return [np.asarray(picture, np.uint8) for picture in pictures]


async def test_detector_close_look_and_vectors_agree_with_those_of_the_host(
    host: Pipeline, device: Pipeline, frames: Sequence[Image]
) -> None:
    assert isinstance(device.opened, DeviceNetworks)
    assert isinstance(device.extractor, DeviceExtractor)
    compared = 0
    for frame in frames:
        one, other = host.detector.detect(frame), device.detector.detect(frame)
        assert len(one) == len(other) >= 1
        for face in one:
            twin = max(other, key=lambda each: overlap(corners_of(face.box), corners_of(each.box)))
            assert overlap(corners_of(face.box), corners_of(twin.box)) >= 0.85
            probe, same = (engine.extractor.extract(frame, face) for engine in (host, device))
            assert isinstance(probe, Probe)
            assert isinstance(same, Probe)
            assert float(probe.vector @ same.vector) >= 0.999
            assert same.quality == pytest.approx(probe.quality, abs=0.05)
            compared += 1
    assert compared >= 5


def test_a_half_precision_copy_is_what_a_gpu_runs(
    host: Pipeline,
    pack: Pack,
    yunet_dlib: Path,
    frames: Sequence[Image],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(building, "devices_of", lambda _: ["cpu"])
    manifest = pack.manifest.model_copy(update={"half_precision": ("embedder",)})
    halved = with_half_precision(Pack(manifest, pack.networks), tmp_path, lambda *_: None)
    engine = build(settings(yunet_dlib, "cuda:0", batch=1), halved)
    (face, *_) = host.detector.detect(frames[0])
    probe, same = (each.extractor.extract(frames[0], face) for each in (host, engine))
    engine.close()
    assert isinstance(probe, Probe)
    assert isinstance(same, Probe)
    similarity = float(probe.vector @ same.vector)
    assert similarity >= 0.999
    assert not np.array_equal(probe.vector, same.vector)


async def test_work_of_many_lanes_is_answered_each_with_its_own(
    device: Pipeline, frames: Sequence[Image]
) -> None:
    alone = [device.detector.detect(frame) for frame in frames]
    lanes = [device.lanes.for_camera() for _ in frames]
    for _ in range(2):
        found = await asyncio.gather(
            *(
                lane.run(device.detector.detect, frame)
                for lane, frame in zip(lanes, frames, strict=True)
            )
        )
        for one, other in zip(alone, found, strict=True):
            assert [face.box.x for face in one] == pytest.approx(
                [face.box.x for face in other], abs=0.01
            )


def test_each_picture_lies_on_one_of_the_devices(device: Pipeline, frames: Sequence[Image]) -> None:
    """And its faces are looked at there: it is uploaded once."""
    assert isinstance(device.opened, DeviceNetworks)
    pictures = [way.pictures for way in device.opened.by_role["detector"]._ways]
    assert [way.pictures for way in device.opened.by_role["embedder"]._ways] == pictures
    for frame in frames:
        for face in device.detector.detect(frame):
            device.extractor.extract(frame, face)
        assert [frame in each for each in pictures].count(True) == 1


@pytest.mark.usefixtures("gpus")
def test_it_says_where_its_networks_run_and_how_many_rows_they_take(
    pack: Pack,
    yunet_dlib: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "pipeline.device.opening")
    engine = build(settings(yunet_dlib, "cuda:0,1", batch=3), pack)
    assert isinstance(engine.opened, DeviceNetworks)
    assert {role: network.device for role, network in engine.networks.items()} == {
        "detector": "cuda:0,1",
        "embedder": "cuda:0,1",
    }
    assert {network.used for network in engine.networks.values()} == {"cpu"}
    assert engine.opened.at_once == 6
    assert caplog.messages == [
        "detector runs on cpu, cpu to the end, 3 at once (INFERENCE_BATCH)",
        "embedder runs on cpu, cpu to the end, 3 at once (INFERENCE_BATCH)",
    ]
    engine.close()


@pytest.mark.usefixtures("gpus")
def test_a_cascade_s_pictures_are_made_ready_on_the_host(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(networks, "devices_of", lambda _: ["cpu"])
    chosen = PipelineSettings.model_validate({"model": {"device": "cuda:0"}})
    engine = build(chosen, open_configured_pack(chosen.model, tmp_path, lambda *_: None))
    assert not isinstance(engine.opened, DeviceNetworks)
    assert set(engine.networks) == {"proposal", "refinement", "output", "embedder"}
    engine.close()


def test_where_networks_cannot_be_joined_they_run_as_they_are_and_the_log_says_why(
    pack: Pack,
    yunet_dlib: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object) -> DeviceNetworks:
        raise Misconfigured("these nodes would compute on the CPU: parts (Gather)")

    monkeypatch.setattr(building, "open_on_devices", refused)
    monkeypatch.setattr(networks, "devices_of", lambda _: ["cpu"])
    engine = build(settings(yunet_dlib, "cuda:0", batch=1), pack)
    assert not isinstance(engine.opened, DeviceNetworks)
    assert "pictures are made ready on the CPU: these nodes would compute" in caplog.text
    engine.close()


@pytest.mark.usefixtures("gpus")
def test_networks_that_open_but_do_not_run_are_not_joined_and_leave_no_thread(
    pack: Pack, yunet_dlib: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(network: JoinedNetwork, *_: object) -> Sequence[Tensor]:
        if VECTORS in network.outputs:
            raise Fatal("no kernel image is available")
        return []

    monkeypatch.setattr(JoinedNetwork, "run", broken)
    monkeypatch.setattr(networks, "devices_of", lambda _: ["cpu"])
    before = threading.active_count()
    engine = build(settings(yunet_dlib, "cuda:0", batch=1), pack)
    assert not engine.on_device
    assert threading.active_count() == before
    engine.close()


def test_a_gpu_that_is_not_there_stops_the_start_all_the_same(pack: Pack, yunet_dlib: Path) -> None:
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),  # its own, of this machine
        pytest.raises(Misconfigured, match=r"MODEL_DEVICE=cuda:0 .* CPUExecutionProvider"),
    ):
        build(settings(yunet_dlib, "cuda:0"), pack)


def test_tensorrt_that_was_asked_for_and_is_not_there_stops_the_start(
    pack: Pack, yunet_dlib: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither joined nor alone do networks run by CUDA then."""
    asked = list[Path | None]()

    def refused(
        model: Path | onnx.ModelProto, _: str, name: str | None = None, engines: Path | None = None
    ) -> onnxruntime.InferenceSession:
        if name and name.startswith("the upload"):
            return open_session(model, "cpu", name)
        asked.append(engines)
        raise Misconfigured("no TensorRT here")

    monkeypatch.setattr("pipeline.device.runtime.open_session", refused)
    monkeypatch.setattr("pipeline.inference.open_session", refused)
    monkeypatch.setattr("pipeline.device.runtime.kind_and_number", lambda _: ("cpu", 0))
    chosen = settings(yunet_dlib, "cuda:0")
    model = chosen.model.model_copy(update={"tensorrt": tmp_path})
    with pytest.raises(Misconfigured, match="no TensorRT here"):
        build(chosen.model_copy(update={"model": model}), pack)
    assert asked == [tmp_path, tmp_path]


@pytest.mark.usefixtures("gpus")
def test_an_own_embedder_of_another_dimension_is_named(
    pack: Pack,
    yunet_dlib: Path,
    frames: Sequence[Image],
) -> None:
    feed = pack.manifest.embedder.model_copy(update={"dimension": 64})
    manifest = pack.manifest.model_copy(update={"embedder": feed})
    engine = build(settings(yunet_dlib, "cuda:0"), Pack(manifest, pack.networks))
    (face, *_) = engine.detector.detect(frames[0])
    with pytest.raises(Misconfigured, match=r"answered \(128,\), not \(64,\)"):
        engine.extractor.extract(frames[0], face)
    engine.close()
