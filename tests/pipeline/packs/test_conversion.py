import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import Misconfigured
from pipeline.inference import Network
from pipeline.packs.conversion import convert, converted_name, is_whole
from pipeline.packs.dlib_file import read_network
from pipeline.packs.manifest import Converted, Manifest, load_manifest
from pipeline.packs.pack import Pack, open_pack, verify

BUILTIN = load_manifest("builtin")
GOLDEN_DLIB = [-0.048989, 0.118463, 0.057729, 0.012154, -0.055589, -0.045467]


def quiet(what: str, done: int, total: int) -> None:
    assert what
    assert 0 <= done <= total


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def pack(cache: Path) -> Pack:
    return open_pack(BUILTIN, cache, quiet)


def converted(role: str) -> Converted:
    network = BUILTIN.networks[role]
    assert isinstance(network, Converted)
    return network


def gradient(side: int) -> np.ndarray:
    """A picture that is the same everywhere: [1, 3, side, side], 0..255."""
    line = np.linspace(0, 255, side, dtype=np.float32)
    return np.stack(
        [np.tile(line, (side, 1)), np.tile(line[:, None], side), np.full((side, side), 99)]
    )[None].astype(np.float32)


def test_the_builtin_pack_is_made_with_a_progress_and_found_whole(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    open_pack(BUILTIN, tmp_path, lambda *said: told.append(said))
    assert list(verify(BUILTIN, tmp_path)) == []
    assert len(told) == 8
    assert told[-1][1:] == (4, 4)


def test_a_second_start_makes_nothing_anew(pack: Pack, cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in pack.networks.values()}
    told: list[str] = []
    again = open_pack(BUILTIN, cache, lambda what, *_: told.append(what))
    assert told == []
    assert {path: path.stat().st_mtime_ns for path in again.networks.values()} == before


def test_dlibs_network_gives_its_known_vector(pack: Pack) -> None:
    """The golden numbers come from a conversion that was checked against dlib itself (3.5e-7)."""
    (vector,) = Network(pack.networks["embedder"]).run(gradient(150), ("output",))
    assert vector.shape == (1, 128)
    assert vector[0, :6] == pytest.approx(GOLDEN_DLIB, abs=2e-5)


@pytest.mark.parametrize(
    ("role", "side", "outputs"),
    [
        ("proposal", 60, {"bbox": (1, 4, 25, 25), "prob": (1, 1, 25, 25)}),
        ("refinement", 24, {"bbox": (1, 4), "prob": (1, 1)}),
        ("output", 48, {"bbox": (1, 4), "landmarks": (1, 10), "prob": (1, 1)}),
    ],
)
def test_mtcnns_networks_answer_in_their_shapes(
    pack: Pack, role: str, side: int, outputs: dict[str, tuple[int, ...]]
) -> None:
    answers = Network(pack.networks[role]).run(gradient(side), tuple(outputs))
    assert [answer.shape for answer in answers] == list(outputs.values())
    assert all(np.isfinite(answer).all() for answer in answers)
    assert 0 <= answers[-1].min() <= answers[-1].max() <= 1


def test_a_broken_network_in_the_cache_is_made_again(tmp_path: Path) -> None:
    file = open_pack(BUILTIN, tmp_path, quiet).networks["refinement"]
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert [flaw for flaw in verify(BUILTIN, tmp_path) if "refinement" in flaw and "broken" in flaw]
    assert open_pack(BUILTIN, tmp_path, quiet).networks["refinement"].read_bytes() == whole


def test_weights_with_another_hash_are_never_opened(tmp_path: Path) -> None:
    other = converted("proposal").model_copy(update={"sha256": "0" * 64})
    with pytest.raises(Misconfigured, match=r"pnet\.lz4 is not the file.*install mtcnn anew"):
        convert(other, tmp_path / "proposal.onnx")
    assert not (tmp_path / "proposal.onnx").exists()


@pytest.mark.parametrize(
    "change", [{"package": "no_such_package"}, {"source": "assets/weights/none.lz4"}]
)
def test_a_missing_package_or_file_is_named(tmp_path: Path, change: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match="is not installed, or lacks its weights"):
        convert(converted("proposal").model_copy(update=change), tmp_path / "proposal.onnx")


def _convert_in_child(folder: Path, done: Callable[[bool], None]) -> None:
    network = converted("output")
    file = folder / converted_name(network)
    convert(network, file)
    done(is_whole(file))


def test_two_processes_that_start_at_once_make_one_whole_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    children = [
        context.Process(target=_convert_in_child, args=(tmp_path, answers.put)) for _ in range(2)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    assert [answers.get(), answers.get()] == [True, True]
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("length", [0, 1, 100, 5_000_000])
def test_a_dlib_file_that_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="ends at byte"):
        read_network(_dlib_bytes()[:length])


def test_another_file_is_no_dlib_network() -> None:
    with pytest.raises(ValueError, match="at byte"):
        read_network(b"\x7f" * 100)


def _dlib_bytes() -> bytes:
    from importlib.util import find_spec  # noqa: PLC0415 - only this helper needs it

    spec = find_spec("face_recognition_models")
    assert spec is not None
    assert spec.submodule_search_locations
    return (Path(spec.submodule_search_locations[0]) / converted("embedder").source).read_bytes()


def test_every_shipped_manifest_can_be_read() -> None:
    zoo: Manifest = load_manifest("opencv-zoo")
    assert (BUILTIN.embedder.dimension, zoo.embedder.dimension) == (128, 128)
    assert zoo.embedder.alignment.points.shape == (5, 2)
