"""Embedders of every pack's shape, with random weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.build import build, open_configured_pack
from pipeline.embed import OnnxEmbedder
from pipeline.errors import BadInput, Misconfigured
from pipeline.inference import Network, Tensor
from pipeline.messages import Probe
from pipeline.packs.manifest import Local, load_manifest
from pipeline.packs.own import with_own_embedder
from pipeline.packs.pack import Pack
from pipeline.settings import ModelSettings, PipelineSettings

Sface = Callable[..., Path]


def chips(count: int, seed: int = 7) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return list(random.integers(0, 255, (count, 112, 112, 3), dtype=np.uint8))


def embedder(network: Network, *, rgb: bool = True, dimension: int = 128) -> OnnxEmbedder:
    return OnnxEmbedder(network, rgb=rgb, mean=127.5, scale=127.5, dimension=dimension)


@pytest.fixture
def network(sface_graph: Sface, tmp_path: Path) -> Network:
    return Network(sface_graph(tmp_path / "sface.onnx"))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_face_gets_a_unit_vector_although_the_network_takes_one_at_a_time(
    network: Network, count: int
) -> None:
    vectors = embedder(network).embed(chips(count))
    assert vectors.shape == (count, 128)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(count), abs=1e-6)


def test_colours_are_fed_in_the_order_the_pack_says(network: Network) -> None:
    (chip,) = chips(1)
    swapped = np.ascontiguousarray(chip[..., ::-1])
    rgb, bgr = embedder(network, rgb=True), embedder(network, rgb=False)
    assert rgb.embed([chip]) == pytest.approx(bgr.embed([swapped]))
    assert not np.allclose(rgb.embed([chip]), bgr.embed([chip]), atol=1e-3)


def test_a_network_of_another_dimension_is_refused(network: Network) -> None:
    with pytest.raises(Misconfigured, match="128 numbers a face, not 512"):
        embedder(network, dimension=512)


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_vector_without_a_direction_is_no_vector(
    network: Network, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    def run(tensor: Tensor, _: object) -> list[Tensor]:
        return [np.full((len(tensor), 128), value, np.float32)]

    monkeypatch.setattr(network, "run", run)
    with pytest.raises(BadInput, match="no usable vector"):
        embedder(network).embed(chips(1))


def zoo(folder: Path, yunet: Callable[[Path, int | None], Path], sface: Sface) -> Pack:
    """The pack opencv-zoo with networks of the same shapes and random weights."""
    paths = {
        "detector": yunet(folder / "yunet.onnx", 640),
        "embedder": sface(folder / "sface.onnx"),
    }
    networks = {role: Local(path=path) for role, path in paths.items()}
    shipped = load_manifest("opencv-zoo")
    return Pack(shipped.model_copy(update={"networks": networks}), paths)


def test_the_opencv_zoo_pack_runs_from_picture_to_vector(
    yunet_graph: Callable[[Path, int | None], Path], sface_graph: Sface, tmp_path: Path
) -> None:
    pack = zoo(tmp_path, yunet_graph, sface_graph)
    engine = build(PipelineSettings.model_validate({"detect": {"score": 0}}), pack)
    picture = np.random.default_rng(3).integers(0, 255, (540, 960, 3), dtype=np.uint8)
    faces = engine.detector.detect(picture)
    assert faces
    described = [engine.extractor.extract(picture, face) for face in faces[:20]]
    vectors = [one.vector for one in described if isinstance(one, Probe)]
    assert len(described) == min(20, len(faces))
    assert all(vector.shape == (128,) for vector in vectors)
    engine.close()


def test_cameras_also_find_weaker_faces_photographs_do_not(
    yunet_graph: Callable[[Path, int | None], Path], sface_graph: Sface, tmp_path: Path
) -> None:
    settings = {"detect": {"score": 0.5}, "track": {"weak": 0.9}}
    pack = zoo(tmp_path, yunet_graph, sface_graph)
    engine = build(PipelineSettings.model_validate(settings), pack)
    picture = np.random.default_rng(3).integers(0, 255, (540, 960, 3), dtype=np.uint8)
    sure = [face.score for face in engine.detector.detect(picture)]
    seen = [face.score for face in engine.watcher.detect(picture)]
    engine.close()
    assert engine.sure_score == 0.5
    assert sure
    assert min(sure) >= 0.5 > min(seen) >= 0.45


@pytest.mark.parametrize("name", ["buffalo_l", "buffalo_m", "buffalo_sc", "antelopev2"])
def test_insightfaces_packs_run_from_picture_to_vector(
    scrfd_graph: Callable[..., Path], sface_graph: Sface, tmp_path: Path, name: str
) -> None:
    paths = {
        "detector": scrfd_graph(tmp_path / "scrfd.onnx"),
        "embedder": sface_graph(tmp_path / "arcface.onnx", 512),
    }
    engine = build(PipelineSettings(), Pack(load_manifest(name), paths))
    picture = np.random.default_rng(3).integers(0, 255, (540, 960, 3), dtype=np.uint8)
    faces = engine.detector.detect(picture)
    assert len(faces) > 20
    described = [engine.extractor.extract(picture, face) for face in faces[:20]]
    vectors = [one.vector for one in described if isinstance(one, Probe)]
    assert vectors
    assert all(vector.shape == (512,) for vector in vectors)
    assert engine.threshold == 0.4078
    engine.close()


def own(file: Path, dimension: int | None = 512, threshold: float | None = 0.4) -> Pack:
    manifest = load_manifest("builtin")
    return with_own_embedder(Pack(manifest, {}), file, dimension=dimension, threshold=threshold)


def test_an_own_embedder_brings_its_own_identity_and_threshold(
    sface_graph: Sface, tmp_path: Path
) -> None:
    pack = own(sface_graph(tmp_path / "mine.onnx", 512))
    assert pack.manifest.id.startswith("own-")
    assert pack.manifest.threshold == 0.4
    assert pack.manifest.embedder.dimension == 512
    assert pack.networks["embedder"] == tmp_path / "mine.onnx"


@pytest.mark.parametrize(("dimension", "threshold"), [(None, 0.4), (512, None)])
def test_an_own_embedder_needs_what_cannot_be_guessed(
    tmp_path: Path, dimension: int | None, threshold: float | None
) -> None:
    with pytest.raises(Misconfigured, match="MODEL_EMB_DIM"):
        own(tmp_path / "mine.onnx", dimension, threshold)


def test_an_own_embedder_that_contradicts_the_settings_is_refused(
    sface_graph: Sface, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured, match=r"output is \[1, 128\].*MODEL_EMB_DIM"):
        own(sface_graph(tmp_path / "mine.onnx", 128), dimension=512)


@pytest.mark.parametrize("content", [b"", b"no model", None])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "mine.onnx"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"MODEL_PATH=.*mine\.onnx"):
        own(file)


def test_a_network_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "junk.onnx").write_bytes(b"\x08\x07junk")
    with pytest.raises(Misconfigured, match=r"junk\.onnx cannot be run"):
        Network(tmp_path / "junk.onnx")


def test_a_device_that_is_not_there_stops_the_start(sface_graph: Sface, tmp_path: Path) -> None:
    """ONNX Runtime itself would fall back to the CPU without a word that counts."""
    file = sface_graph(tmp_path / "sface.onnx")
    with (
        pytest.warns(UserWarning, match="CUDAExecutionProvider"),  # its own, of this machine
        pytest.raises(Misconfigured, match=r"MODEL_DEVICE=cuda:0 .* CPUExecutionProvider"),
    ):
        Network(file, "cuda:0")


def test_the_settings_choose_the_own_embedder(sface_graph: Sface, tmp_path: Path) -> None:
    file = sface_graph(tmp_path / "mine.onnx", 64)
    model = ModelSettings(path=file, emb_dim=64, threshold=0.3)
    pack = open_configured_pack(model, tmp_path / "cache", lambda *_: None)
    engine = build(PipelineSettings(model=model), pack)
    assert pack.manifest.embedder.dimension == 64
    assert set(pack.networks) == {"proposal", "refinement", "output", "embedder"}
    engine.close()
