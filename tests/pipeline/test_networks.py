"""MODEL_DEVICE and INFERENCE_BATCH: where networks are opened, and how they are asked."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from pipeline import networks
from pipeline.batching import BatchedNetwork
from pipeline.detect.scrfd import COLOURS
from pipeline.errors import Misconfigured
from pipeline.graphs.joined import joined
from pipeline.inference import Network, lane_count
from pipeline.networks import Opened, devices_of, open_sessions, ready
from pipeline.sessions import _options, stray_nodes
from pipeline.settings import PipelineSettings

ScrfdGraph = Callable[..., Path]


def settings(device: str = "cpu", batch: str | int = "auto") -> PipelineSettings:
    return PipelineSettings.model_validate(
        {"model": {"device": device}, "inference": {"batch": batch}, "detect": {"max_side": 96}}
    )


@pytest.fixture
def paths(scrfd_graph: ScrfdGraph, tmp_path: Path) -> dict[str, Path]:
    return {
        "detector": scrfd_graph(tmp_path / "d.onnx", batched=True),
        "embedder": scrfd_graph(tmp_path / "e.onnx"),  # whatever it is: it takes one at a time
    }


@pytest.mark.parametrize(
    ("asked", "devices"),
    [
        ("cpu", ["cpu"]),
        ("cuda", ["cuda:0"]),
        ("cuda:3", ["cuda:3"]),
        ("cuda:0,1", ["cuda:0", "cuda:1"]),
    ],
)
def test_a_device_is_named_or_several_are(asked: str, devices: list[str]) -> None:
    assert devices_of(asked) == devices
    assert settings(asked).model.device == asked


def test_tensorrt_is_for_gpus() -> None:
    model = {"device": "cpu", "tensorrt": "/engines"}
    with pytest.raises(ValueError, match=r"tensorrt .* MODEL_DEVICE=cuda:0"):
        PipelineSettings.model_validate({"model": model})
    for device in ("cuda:0", "auto"):
        PipelineSettings.model_validate({"model": model | {"device": device}})


@pytest.mark.parametrize("asked", ["cuda:", "cuda:0,", "cuda:,1", "cpu,cuda:0", "gpu", "AUTO"])
def test_what_is_no_device_is_refused(asked: str) -> None:
    with pytest.raises(ValueError, match="device"):
        settings(asked)


def test_on_a_cpu_each_lane_asks_the_network_itself(
    paths: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pipeline.networks")
    opened = ready(open_sessions(paths, "cpu"), settings())
    assert {type(network) for network in opened.by_role.values()} == {Network}
    assert (opened.at_once, opened.fallen) == (1, "")
    assert caplog.messages == [
        "detector runs on cpu, one at a time in each lane",
        "embedder runs on cpu, one at a time in each lane",
    ]
    opened.close()


def test_a_batch_can_be_asked_for_where_the_network_takes_one(
    paths: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pipeline.networks")
    opened = ready(open_sessions(paths, "cpu"), settings(batch=4))
    assert isinstance(opened.by_role["detector"], BatchedNetwork)
    assert isinstance(opened.by_role["embedder"], Network)
    assert opened.at_once == 4
    assert caplog.messages == [
        "detector runs on cpu, 4 at once (INFERENCE_BATCH)",
        "embedder runs on cpu, one at a time: it takes no more, whatever INFERENCE_BATCH says",
    ]
    tensor = np.zeros((1, 3, 64, 96), np.float32)
    outputs = tuple(opened.by_role["detector"].outputs)
    assert len(opened.by_role["detector"].run(tensor, outputs)) == 9
    opened.close()


def test_there_are_lanes_for_two_batches_where_there_are_batches() -> None:
    assert lane_count(None, 1) == lane_count(None)
    assert lane_count(None, 64) == 128
    assert lane_count(3, 64) == 3


def test_several_devices_share_the_work_even_one_at_a_time(paths: dict[str, Path]) -> None:
    """Two sessions on the CPU stand for two GPUs."""
    embedder = paths["embedder"]
    sessions = [Network(embedder, "cpu", "cuda:0,1") for _ in range(2)]
    opened = ready(Opened({"embedder": sessions}), settings())
    network = opened.by_role["embedder"]
    assert isinstance(network, BatchedNetwork)
    assert (network.device, network.used, opened.at_once) == ("cuda:0,1", "cpu", 2)
    opened.close()


def test_auto_goes_to_the_cpu_where_there_is_no_cuda_and_says_so(
    paths: dict[str, Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "has_cuda", lambda: False)
    opened = ready(open_sessions(paths, "auto"), settings("auto"))
    assert "without CUDA" in opened.fallen
    assert "faceapi[gpu]" in opened.fallen
    assert {network.device for network in opened.by_role.values()} == {"auto"}
    assert {network.used for network in opened.by_role.values()} == {"cpu"}
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages[0].startswith("MODEL_DEVICE=auto runs on the CPU: ONNX Runtime")


class FakeNetwork:
    """Opens on devices that are there; others fail as ONNX Runtime's do."""

    there: Sequence[str] = ()

    def __init__(
        self,
        path: Path,
        device: str,
        asked: str,
        engines: Path | None = None,  # noqa: ARG002 - Network's
    ) -> None:
        if device not in self.there:
            raise Misconfigured(f"{path.name}: no {device}")
        self.on, self.device, self.used = device, asked, device.partition(":")[0]


@pytest.mark.parametrize(
    ("there", "on", "fallen"),
    [(["cpu", "cuda:0"], "cuda:0", ""), (["cpu"], "cpu", "d.onnx: no cuda:0")],
)
def test_auto_takes_the_first_gpu_if_the_networks_run_there(
    paths: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    there: list[str],
    on: str,
    fallen: str,
) -> None:
    monkeypatch.setattr(networks, "has_cuda", lambda: True)
    monkeypatch.setattr(networks, "Network", FakeNetwork)
    monkeypatch.setattr(FakeNetwork, "there", there)
    opened = open_sessions(paths, "auto")
    assert {session.on for many in opened.sessions.values() for session in many} == {on}
    assert opened.fallen == fallen


def test_what_was_named_must_run_on_each_of_its_devices(
    paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "Network", FakeNetwork)
    monkeypatch.setattr(FakeNetwork, "there", ["cpu", "cuda:0"])
    with pytest.raises(Misconfigured, match="no cuda:1"):
        open_sessions(paths, "cuda:0,1")


@dataclass(frozen=True)
class Node:
    name: str
    op_type: str


@dataclass(frozen=True)
class Share:
    ep_name: str
    nodes: Sequence[Node]

    def get_nodes(self) -> Sequence[Node]:
        return self.nodes


def test_nodes_that_compute_on_the_cpu_are_listed_and_those_that_reckon_sizes_are_not() -> None:
    shares = [
        Share("CUDAExecutionProvider", [Node("Conv_0", "Conv"), Node("Add_1", "Add")]),
        Share("CPUExecutionProvider", [Node("Shape_2", "Shape"), Node("Gather_3", "Gather")]),
        Share("CPUExecutionProvider", [Node("Conv_4", "Conv"), Node("PRelu_5", "PRelu")]),
    ]
    assert stray_nodes(shares) == ["Conv_4 (Conv)", "PRelu_5 (PRelu)"]
    assert stray_nodes(shares[:2]) == []


def test_what_works_on_pixels_is_listed_even_if_sizes_are_reckoned_with_by_the_same_operators() -> (
    None
):
    names = {"Gather": "computes/sampler/gather_9", "Add": "Add_7"}
    shares = [Share("CPUExecutionProvider", [Node(names[kind], kind) for kind in names])]
    assert stray_nodes(shares) == ["computes/sampler/gather_9 (Gather)"]


def test_every_node_that_makes_pictures_ready_is_told_apart(
    scrfd_graph: ScrfdGraph, tmp_path: Path
) -> None:
    """The real report, of a joined graph on the CPU: each of them is a stray there."""
    model = joined(scrfd_graph(tmp_path / "d.onnx"), COLOURS)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), _options("cuda:0"), providers=["CPUExecutionProvider"]
    )
    strays = stray_nodes(session.get_provider_graph_assignment_info())
    assert sum("(Gather)" in stray for stray in strays) >= 4
    assert sum("(Floor)" in stray for stray in strays) == 2
    assert sum("(Conv)" in stray for stray in strays) == 9


def test_onnx_runtime_tells_where_each_node_landed(scrfd_graph: ScrfdGraph, tmp_path: Path) -> None:
    """The real report, of a session on the CPU: there every node that computes is a stray."""
    session = onnxruntime.InferenceSession(
        str(scrfd_graph(tmp_path / "d.onnx")),
        _options("cuda:0"),
        providers=["CPUExecutionProvider"],
    )
    strays = stray_nodes(session.get_provider_graph_assignment_info())
    assert sum("(Conv)" in stray for stray in strays) == 9
    assert not [stray for stray in strays if "(Reshape)" in stray]
