"""A model pack whose files are here and whole."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import Misconfigured
from pipeline.packs.conversion import convert, converted_name, is_whole, sha256_of
from pipeline.packs.licence import accepted, refusal
from pipeline.packs.manifest import Archived, Converted, Downloaded, Local, Manifest, NetworkFile

Progress = Callable[[str, int, int], None]
"""Told what is being made or fetched, how much is done, and of how much."""


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """A manifest, and where each of its networks lies.

    ``half`` has those that GPUs may run in half precision, too, as they are then.
    """

    manifest: Manifest
    networks: Mapping[str, Path]
    half: Mapping[str, Path] = field(default_factory=dict)


def open_pack(manifest: Manifest, cache: Path, progress: Progress) -> Pack:
    """The pack, made from its packages if need be; every hash is checked.

    Raises:
        Misconfigured: a file is missing or not what the manifest says, or nobody has accepted the
            licence; it says what to do.
    """
    paths = network_paths(manifest, cache)
    for done, (role, network) in enumerate(manifest.networks.items()):
        if isinstance(network, Converted) and not is_whole(paths[role]):
            progress(f"making {manifest.id}: {role}", done, len(paths))
            convert(network, paths[role])
            progress(f"making {manifest.id}: {role}", done + 1, len(paths))
    if flaws := list(verify(manifest, cache)):
        raise Misconfigured("; ".join(flaws))
    return Pack(manifest, paths)


def network_paths(manifest: Manifest, cache: Path) -> Mapping[str, Path]:
    """Where each network lies, or will."""
    folder = cache / "models" / manifest.id
    return {role: _path(network, folder) for role, network in manifest.networks.items()}


def verify(manifest: Manifest, cache: Path) -> Iterator[str]:
    """Why the pack cannot be run, and what to do about it; nothing if all is well."""
    if not accepted(manifest, cache):
        yield refusal(manifest)
    paths = network_paths(manifest, cache)
    for role, network in manifest.networks.items():
        flaw = _flaw(network, paths[role])
        if flaw:
            yield f"{manifest.id}: {role}: {paths[role]} {flaw}; {_remedy(manifest, network)}"


def _path(network: NetworkFile, folder: Path) -> Path:
    if isinstance(network, Converted):
        return folder / converted_name(network)
    if isinstance(network, Downloaded):
        return folder / network.file
    return folder / network.member if isinstance(network, Archived) else network.path


def _flaw(network: NetworkFile, file: Path) -> str:
    """What is wrong with a file, in words; empty if nothing is."""
    if not file.is_file():
        return "is not there"
    if isinstance(network, Converted):
        return "" if is_whole(file) else "is broken"
    if network.sha256 and sha256_of(file) != network.sha256:
        return f"has another sha256 than {network.sha256[:12]}..."
    return ""


def _remedy(manifest: Manifest, network: NetworkFile) -> str:
    if isinstance(network, Local):
        return "put the right file there, or change the manifest"
    if isinstance(network, Downloaded | Archived):
        return f"run `faceapi models pull {manifest.id}`"
    return "it is made at the next start"
