"""What the benches work on, and how they speak."""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from api.command.progress import progress_bar
from api.settings.settings import Settings, load_settings
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.packs.pack import Pack
from tests.packs import join_yunet_dlib

console = Console(soft_wrap=True, highlight=False)


def test_data() -> Path:
    """The folder of clips, photographs and models that the repository does not hold."""
    folder = os.environ.get("FACEAPI_TEST_DATA")
    if not folder:
        raise SystemExit("set FACEAPI_TEST_DATA to the folder of clips, photographs and models")
    return Path(folder).resolve()


def open_engine(asked: str, *settings: str) -> Pipeline:
    """The pipeline of a pack (as ``pack_for`` takes it), with ``section.key=value`` overridden."""
    chosen, opened = open_pack(asked, *settings)
    return build(chosen, opened)


def open_pack(asked: str, *settings: str) -> tuple[Settings, Pack]:
    """The settings for a pack, and the pack."""
    with pack_for(asked) as pack, progress_bar(console) as progress:
        chosen = load_settings(overrides=[f"model.pack={pack}", *settings])
        return chosen, open_configured_pack(chosen.model, chosen.faceapi.cache_dir, progress)


def line_arguments(about: str | None, frames: int) -> argparse.Namespace:
    """What a bench of the line is asked for: clip, people, pack, frames and rounds."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("people", type=Path)
    parser.add_argument("--pack", default="builtin", help="a name, a manifest, or yunet")
    parser.add_argument("--frames", type=int, default=frames)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


@contextmanager
def pack_for(asked: str) -> Iterator[str]:
    """What MODEL_PACK takes: a pack's name or file as it is, or ``yunet``.

    ``yunet`` is YuNet of the test data with the builtin pack's embedder, in a manifest that is
    gone afterwards.
    """
    if asked != "yunet":
        yield asked
        return
    with tempfile.TemporaryDirectory() as folder:
        yield str(join_yunet_dlib(test_data(), Path(folder)))
