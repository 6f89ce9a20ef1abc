"""A pack's licence: whether somebody has said yes to it, where it must be accepted.

The yes is a file beside the pack's networks that holds what was accepted: other terms want another.
"""

from pathlib import Path

from pipeline.packs.manifest import Manifest


def accepted(manifest: Manifest, cache: Path) -> bool:
    """Whether the pack may be run."""
    if not manifest.licence.must_be_accepted:
        return True
    yes = _yes(manifest, cache)
    return yes.is_file() and yes.read_text(encoding="utf-8") == _terms(manifest)


def accept(manifest: Manifest, cache: Path) -> None:
    """Say yes, for whoever uses this cache."""
    if manifest.licence.must_be_accepted:
        yes = _yes(manifest, cache)
        yes.parent.mkdir(parents=True, exist_ok=True)
        yes.write_text(_terms(manifest), encoding="utf-8")


def refusal(manifest: Manifest) -> str:
    """Why the pack is not run, and how to accept its licence."""
    return (
        f"{manifest.id} is under a licence that must be accepted first: {_terms(manifest)} "
        f"If you accept it, run `faceapi models pull {manifest.id} --accept-license`, or set "
        f"MODEL_ACCEPT_LICENCE={manifest.id} and pull"
    )


def _yes(manifest: Manifest, cache: Path) -> Path:
    return cache / "models" / manifest.id / "licence-accepted.txt"


def _terms(manifest: Manifest) -> str:
    return f"{manifest.licence.name}. {manifest.licence.terms}".strip()
