"""Networks in half precision: where the manifest allows it, made once, and still the same."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto

from pipeline.build import open_configured_pack
from pipeline.detect import yunet
from pipeline.detect.yunet import YuNet
from pipeline.embed import OnnxEmbedder
from pipeline.errors import Misconfigured
from pipeline.geometry import corners_of, overlap
from pipeline.inference import Network
from pipeline.packs.half import with_half_precision
from pipeline.packs.manifest import load_manifest, shipped_packs
from pipeline.packs.own import with_own_embedder
from pipeline.packs.pack import Pack
from pipeline.settings import ModelSettings
from pipeline.views import OnHost


def quiet(*_: object) -> None:
    """Nobody looks."""


def halved(pack: Pack, cache: Path, *roles: str) -> Pack:
    manifest = pack.manifest.model_copy(update={"half_precision": roles})
    return with_half_precision(Pack(manifest, pack.networks), cache, quiet)


@pytest.fixture(scope="module")
def whole(yunet_dlib: Path, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    cache = tmp_path_factory.mktemp("cache")
    return open_configured_pack(ModelSettings(pack=str(yunet_dlib)), cache, quiet)


@pytest.fixture(scope="module")
def half(whole: Pack, tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return halved(whole, tmp_path_factory.mktemp("cache"), "detector", "embedder")


def test_a_pack_whose_manifest_does_not_allow_it_stays_as_it_is(
    whole: Pack, tmp_path: Path
) -> None:
    assert with_half_precision(whole, tmp_path, quiet).half == {}
    assert list(tmp_path.iterdir()) == []


def test_insightface_s_embedders_may_be_run_so_and_no_other() -> None:
    allowed = {name: load_manifest(name).half_precision for name in shipped_packs()}
    assert {name for name, roles in allowed.items() if roles} == {
        "antelopev2", "buffalo_l", "buffalo_m", "buffalo_sc",
    }  # fmt: skip
    assert set(allowed.values()) == {(), ("embedder",)}


def test_weights_have_sixteen_bits_and_what_goes_in_and_comes_out_has_thirty_two(
    half: Pack, whole: Pack
) -> None:
    file = half.half["embedder"]
    assert file.stat().st_size < 0.52 * whole.networks["embedder"].stat().st_size
    onnx.checker.check_model(file)
    graph = onnx.load(file).graph
    kinds = {value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)}
    assert kinds == {TensorProto.FLOAT}


def test_dlib_s_vectors_stay_where_they_are(half: Pack, whole: Pack) -> None:
    chips = list(np.random.default_rng(7).integers(0, 255, (3, 150, 150, 3), dtype=np.uint8))
    one, other = (
        OnnxEmbedder(Network(file), rgb=True, mean=0, scale=1, dimension=128).embed(chips)
        for file in (whole.networks["embedder"], half.half["embedder"])
    )
    assert np.sum(one * other, axis=1).min() >= 0.9999


def test_yunet_finds_the_same_faces(half: Pack, whole: Pack, test_data: Path) -> None:
    group = cv2.imread(str(test_data / "faces" / "groups" / "obama_and_biden.jpg"))
    assert group is not None
    one, other = (
        YuNet(
            OnHost(Network(file), yunet.COLOURS),
            least_score=0.8,
            most_overlap=0.3,
            longest_side=640,
        ).detect(np.asarray(group, np.uint8))
        for file in (whole.networks["detector"], half.half["detector"])
    )
    assert len(one) == len(other) >= 2
    for face, twin in zip(one, other, strict=True):
        assert overlap(corners_of(face.box), corners_of(twin.box)) >= 0.95


def test_it_is_made_once_and_again_where_it_was_broken(whole: Pack, tmp_path: Path) -> None:
    file = halved(whole, tmp_path, "detector").half["detector"]
    before, content = file.stat().st_mtime_ns, file.read_bytes()
    told: list[Sequence[object]] = []
    manifest = whole.manifest.model_copy(update={"half_precision": ("detector",)})
    with_half_precision(Pack(manifest, whole.networks), tmp_path, lambda *what: told.append(what))
    assert (file.stat().st_mtime_ns, told) == (before, [])
    file.write_bytes(content[:-1])
    with_half_precision(Pack(manifest, whole.networks), tmp_path, lambda *what: told.append(what))
    assert file.read_bytes() == content
    assert told == [
        ("making yunet-dlib: detector in half precision", 0, 1),
        ("making yunet-dlib: detector in half precision", 1, 1),
    ]


def test_your_own_embedder_is_left_as_it_is(
    sface_graph: Callable[..., Path], tmp_path: Path
) -> None:
    pack = Pack(load_manifest("buffalo_l"), {})
    own = with_own_embedder(pack, sface_graph(tmp_path / "my.onnx"), dimension=128, threshold=0.3)
    assert own.manifest.half_precision == ()


def test_a_role_that_the_pack_has_not_is_refused(yunet_dlib: Path, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(yunet_dlib.read_text() + "\nhalf_precision: [proposal]\n")
    with pytest.raises(Misconfigured, match=r"half_precision names \['proposal'\]; allowed"):
        load_manifest(str(file))
