"""Networks fetched from their publisher, or from a mirror of your own."""

import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import httpx

from pipeline.errors import BadInput, FaceapiError, Misconfigured, Transient
from pipeline.packs.conversion import sha256_of
from pipeline.packs.licence import accept, accepted, refusal
from pipeline.packs.manifest import Archive, Archived, Downloaded, Manifest
from pipeline.packs.pack import Progress, network_paths

_TIMEOUT = httpx.Timeout(20.0)
"""Seconds without any progress."""
_PIECE = 1 << 16
"""Bytes written at a time."""
_MOST = 1 << 30
"""Bytes that are taken where the publisher does not state a size."""


def pull(
    manifest: Manifest,
    cache: Path,
    progress: Progress,
    *,
    mirror: str | None = None,
    accept_licence: bool = False,
) -> None:
    """Fetch what is missing of a pack; what broke off goes on where it stopped.

    With a ``mirror``, files come from MIRROR/PACK/FILE.

    Raises:
        Misconfigured: the licence must be accepted first.
        Transient: there is no way to the server, or it is out of order.
        BadInput: what came is not what the manifest says; nothing of it is kept.
    """
    if accept_licence:
        accept(manifest, cache)
    if not accepted(manifest, cache):
        raise Misconfigured(refusal(manifest))
    paths, archived = network_paths(manifest, cache), dict[Path, Archived]()
    for role, file in paths.items():
        network = manifest.networks[role]
        if isinstance(network, Downloaded) and not _is_here(network, file):
            _fetch(_address(network, manifest, mirror), network, file, progress)
        if isinstance(network, Archived) and not _is_here(network, file):
            archived[file] = network
    if manifest.archive and archived:
        _fetch_archived(
            _address(manifest.archive, manifest, mirror), manifest.archive, archived, progress
        )


def _is_here(network: Downloaded | Archived, file: Path) -> bool:
    return file.is_file() and sha256_of(file) == network.sha256


def _address(wanted: Downloaded | Archive, manifest: Manifest, mirror: str | None) -> str:
    return f"{mirror.rstrip('/')}/{manifest.id}/{wanted.file}" if mirror else wanted.url


def _fetch(url: str, wanted: Downloaded | Archive, file: Path, progress: Progress) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    try:
        _receive(url, part, wanted.bytes, lambda *done: progress(wanted.file, *done))
    except httpx.HTTPError as error:
        raise _out_of_reach(url, file, error) from error
    _check(wanted, part, url)
    part.replace(file)


def _fetch_archived(
    url: str, archive: Archive, networks: Mapping[Path, Archived], progress: Progress
) -> None:
    """Fetch the archive, take these networks out of it, and keep nothing else of it."""
    file = next(iter(networks)).with_name(archive.file)
    _fetch(url, archive, file, progress)
    try:
        with zipfile.ZipFile(file) as opened:
            for path, network in networks.items():
                _take_out(opened, network, path)
    except zipfile.BadZipFile as error:
        raise BadInput(f"{url} is no ZIP file: {error}") from error
    finally:
        file.unlink()


def _take_out(archive: zipfile.ZipFile, network: Archived, file: Path) -> None:
    """Only by the last part of its name: no folder of the archive decides where it goes."""
    names = [name for name in archive.namelist() if PurePosixPath(name).name == network.member]
    if len(names) != 1:
        raise BadInput(f"the archive holds {network.member} {len(names)} times, expected once")
    part = file.with_name(f"{file.name}.part")
    with archive.open(names[0]) as inside, part.open("wb") as outside:
        shutil.copyfileobj(inside, outside)
    if (found := sha256_of(part)) != network.sha256:
        part.unlink()
        raise BadInput(
            f"{network.member} of the archive has sha256 {found[:12]}..., expected "
            f"{network.sha256[:12]}...; nothing of it was kept"
        )
    part.replace(file)


def _receive(url: str, part: Path, size: int | None, tell: Callable[[int, int], None]) -> None:
    """Append to ``part`` what it lacks; more than ``size`` bytes are never taken.

    ``tell`` hears how much is here, and of how much.
    """
    have, most = part.stat().st_size if part.exists() else 0, size or _MOST
    if have >= most:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with httpx.stream(
        "GET", url, headers=headers, timeout=_TIMEOUT, follow_redirects=True
    ) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # there is no more: the hash will tell
        answer.raise_for_status()
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        have = have if resumed else 0
        total = size or have + int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if resumed else "wb") as stream:
            for piece in answer.iter_bytes(_PIECE):
                stream.write(piece[: most - have + 1])
                have += len(piece)
                tell(min(have, total), total)
                if have > most:
                    return


def _check(wanted: Downloaded | Archive, part: Path, url: str) -> None:
    data_size = part.stat().st_size
    found = sha256_of(part)
    if wanted.bytes and data_size < wanted.bytes:
        raise Transient(f"{url} broke off at {data_size} of {wanted.bytes} bytes: pull again")
    if found != wanted.sha256:
        part.unlink()
        size = wanted.bytes or "the publisher's"
        raise BadInput(
            f"{url} sent {data_size} bytes with sha256 {found[:12]}..., expected "
            f"{size} bytes with {wanted.sha256[:12]}...; nothing of it was kept"
        )


def _out_of_reach(url: str, file: Path, error: httpx.HTTPError) -> FaceapiError:
    if isinstance(error, httpx.HTTPStatusError):
        reason = f"the server answered {error.response.status_code}"
    else:
        reason = f"{type(error).__name__}: {error}"
    return Transient(
        f"{url} cannot be fetched now ({reason}). Without a way to the internet, name a mirror "
        f"(MODEL_MIRROR=https://...) or put the file at {file}"
    )
