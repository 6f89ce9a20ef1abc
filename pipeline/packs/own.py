"""Your own embedder in place of a pack's."""

from dataclasses import replace
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from pipeline.errors import Misconfigured
from pipeline.messages import PackId
from pipeline.packs.conversion import sha256_of
from pipeline.packs.manifest import EmbedderFeed
from pipeline.packs.pack import Pack

_ARCFACE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655),
            (70.7299, 92.2041))  # fmt: skip
"""Five points in 112x112, as ArcFace was trained (Deng et al., CVPR 2019)."""


def with_own_embedder(
    pack: Pack, file: Path, *, dimension: int | None, threshold: float | None
) -> Pack:
    """``pack`` with the embedder in ``file``: 112x112, RGB, (x - 127.5) / 127.5, cosine.

    Its id comes from the file's bytes, so that its vectors never meet another network's.

    Raises:
        Misconfigured: no dimension or threshold is given, or the file contradicts them.
    """
    if dimension is None or threshold is None:
        raise Misconfigured(
            f"MODEL_PATH={file} is an embedder of your own: MODEL_EMB_DIM (how many numbers it "
            "makes) and MODEL_THRESHOLD (cosine, -1 to 1) must say what cannot be guessed"
        )
    _check(file, dimension)
    feed = EmbedderFeed(
        colours="rgb",
        mean=127.5,
        scale=127.5,
        dimension=dimension,
        chip=(112, 112),
        template=_ARCFACE,
    )
    changes: dict[str, object] = {
        "id": PackId(f"own-{sha256_of(file)[:12]}"),
        "title": f"{pack.manifest.title}, with the embedder {file.name}",
        "embedder": feed,
        "threshold": threshold,
        "similarity": "Cosine, -1 to 1, of your own embedder.",
    }
    theirs = pack.manifest.half_precision
    changes["half_precision"] = tuple(role for role in theirs if role != "embedder")
    networks = {**pack.networks, "embedder": file}
    return replace(pack, manifest=pack.manifest.model_copy(update=changes), networks=networks)


def _check(file: Path, dimension: int) -> None:
    """Hold the file's own word on its input and output against what is expected."""
    try:
        graph = onnx.load(file, load_external_data=False).graph
    except (OSError, DecodeError) as error:
        raise Misconfigured(f"MODEL_PATH={file} is no ONNX file that can be read") from error
    if not graph.input or not graph.output:
        raise Misconfigured(f"MODEL_PATH={file} is no ONNX file with an input and an output")
    wanted = (("input", _sizes(graph.input[0]), (3, 112, 112)),
              ("output", _sizes(graph.output[0]), (dimension,)))  # fmt: skip
    for side, sizes, expected in wanted:
        if len(sizes) != len(expected) + 1 or any(
            size not in (0, want) for size, want in zip(sizes[1:], expected, strict=True)
        ):
            raise Misconfigured(
                f"MODEL_PATH={file}: its {side} is {sizes}, expected [n, {str(expected)[1:-1]}] "
                "(MODEL_EMB_DIM is the output's length)"
            )


def _sizes(value: onnx.ValueInfoProto) -> list[int]:
    """The sizes of a value, 0 where they are free."""
    return [size.dim_value for size in value.type.tensor_type.shape.dim]
