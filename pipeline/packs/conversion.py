"""Networks made once from weights that installed packages carry, kept in the cache."""

import fcntl
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import joblib
import onnx

from pipeline.errors import Misconfigured
from pipeline.packs.dlib_file import read_network
from pipeline.packs.dlib_graph import dlib_graph
from pipeline.packs.manifest import Converted, Recipe
from pipeline.packs.mtcnn_graph import Stage, mtcnn_graph

_VERSION = 1
"""Of the conversion: a new one makes every network anew."""


def convert(network: Converted, file: Path) -> None:
    """Make ``file`` from its package, and ``file.sha256`` beside it; whoever comes second waits.

    Raises:
        Misconfigured: the package is missing, or its weights are not those that are known.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with alone(file.with_suffix(".lock")):
        if not is_whole(file):
            write_sealed(file, _RECIPES[network.recipe](_weights(network)).SerializeToString())


def converted_name(network: Converted) -> str:
    """The file's name in the cache: other weights, or a newer conversion, another file."""
    return f"{network.recipe}-{network.sha256[:12]}-{_VERSION}.onnx"


def is_whole(file: Path) -> bool:
    """Whether a converted file is there, byte for byte as it was written."""
    seal = file.with_suffix(".sha256")
    if not (file.is_file() and seal.is_file()):
        return False
    return seal.read_text().strip() == sha256_of(file)


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _weights(network: Converted) -> bytes:
    """The package's file; its hash is checked before anything is read from it."""
    source = _source(network)
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != network.sha256:
        raise Misconfigured(
            f"{source} is not the file this pack was made for (sha256 {network.sha256[:12]}...); "
            f"install {network.package} anew, in the version that faceapi names"
        )
    return data


def _source(network: Converted) -> Path:
    """Where the file lies. The package is never imported: it would pull in what is not needed."""
    spec = find_spec(network.package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (file := Path(folder) / network.source).is_file():
            return file
    raise Misconfigured(f"the package {network.package} is not installed, or lacks its weights")


def write_sealed(file: Path, data: bytes) -> None:
    """The seal goes first: a file without its seal counts as broken."""
    part = file.with_suffix(".part")
    part.write_bytes(data)
    file.with_suffix(".sha256").write_text(hashlib.sha256(data).hexdigest() + "\n")
    part.replace(file)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """One process at a time."""
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _mtcnn(stage: Stage) -> Callable[[bytes], onnx.ModelProto]:
    def build(data: bytes) -> onnx.ModelProto:
        return mtcnn_graph(stage, joblib.load(io.BytesIO(data)))

    return build


def _dlib(data: bytes) -> onnx.ModelProto:
    return dlib_graph(read_network(data))


_RECIPES: Mapping[Recipe, Callable[[bytes], onnx.ModelProto]] = MappingProxyType(
    {
        "mtcnn-proposal": _mtcnn("proposal"),
        "mtcnn-refinement": _mtcnn("refinement"),
        "mtcnn-output": _mtcnn("output"),
        "dlib-resnet": _dlib,
    }
)
