"""A pack's networks in half precision, for devices that compute so faster; kept in the cache."""

from dataclasses import replace
from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from pipeline.errors import Misconfigured
from pipeline.packs.conversion import alone, is_whole, sha256_of, write_sealed
from pipeline.packs.pack import Pack, Progress

_VERSION = 1
"""Of the conversion: a new one makes every network anew."""


def with_half_precision(pack: Pack, cache: Path, progress: Progress) -> Pack:
    """The pack with a copy in half precision of each network whose manifest allows it.

    Inputs and outputs stay float32, and so do the operators that half precision has not.
    """
    made = dict[str, Path]()
    for done, role in enumerate(pack.manifest.half_precision):
        source = pack.networks[role]
        made[role] = cache / "models" / pack.manifest.id / _name(source)
        if not is_whole(made[role]):
            what = f"making {pack.manifest.id}: {role} in half precision"
            progress(what, done, len(pack.manifest.half_precision))
            _convert(source, made[role])
            progress(what, done + 1, len(pack.manifest.half_precision))
    return replace(pack, half=made)


def in_half_precision(network: onnx.ModelProto) -> onnx.ModelProto:
    """The network with weights and results of 16 bits; what goes in and comes out has 32."""
    half: onnx.ModelProto = convert_float_to_float16(network, keep_io_types=True)
    _sort(half.graph)
    return half


def _sort(graph: onnx.GraphProto) -> None:
    """Put nodes behind those that they take from, as ONNX demands; the tool adds some at the end.

    Raises:
        Misconfigured: it cannot be done.
    """
    known = {"", *(value.name for value in (*graph.input, *graph.initializer))}
    ordered, waiting = list[onnx.NodeProto](), list(graph.node)
    while waiting:
        later = []
        for node in waiting:
            if known.issuperset(node.input):
                ordered.append(node)
                known.update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise Misconfigured(f"{graph.name} cannot be brought to half precision: it goes round")
        waiting = later
    del graph.node[:]
    graph.node.extend(ordered)


def _name(source: Path) -> str:
    """The file's name in the cache: another network, or a newer conversion, another file."""
    return f"{source.stem}-{sha256_of(source)[:12]}-half-{_VERSION}.onnx"


def _convert(source: Path, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with alone(file.with_suffix(".lock")):
        if not is_whole(file):
            write_sealed(file, in_half_precision(onnx.load(source)).SerializeToString())
