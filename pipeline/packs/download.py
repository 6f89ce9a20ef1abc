"""Networks fetched from their publisher, or from a mirror of your own."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx

from pipeline.errors import BadInput, FaceapiError, Misconfigured, Transient
from pipeline.packs.conversion import sha256_of
from pipeline.packs.manifest import Downloaded, Manifest
from pipeline.packs.pack import Progress, network_paths

_TIMEOUT = httpx.Timeout(20.0)
"""Seconds without any progress."""
_PIECE = 1 << 16
"""Bytes written at a time."""


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
    licence = manifest.licence
    if licence.must_be_accepted and not accept_licence:
        raise Misconfigured(
            f"{manifest.id} is under the licence {licence.name!r}: if you accept it, "
            f"run `faceapi models pull {manifest.id} --accept-licence`"
        )
    for role, file in network_paths(manifest, cache).items():
        network = manifest.networks[role]
        if isinstance(network, Downloaded) and not _is_here(network, file):
            url = f"{mirror.rstrip('/')}/{manifest.id}/{network.file}" if mirror else network.url
            _fetch(url, network, file, progress)


def _is_here(network: Downloaded, file: Path) -> bool:
    return file.is_file() and sha256_of(file) == network.sha256


def _fetch(url: str, network: Downloaded, file: Path, progress: Progress) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    try:
        _receive(url, part, network.bytes, lambda n: progress(network.file, n, network.bytes))
    except httpx.HTTPError as error:
        raise _out_of_reach(url, file, error) from error
    _check(network, part, url)
    part.replace(file)


def _receive(url: str, part: Path, size: int, tell: Callable[[int], None]) -> None:
    """Append to ``part`` what it lacks; more than ``size`` bytes are never taken."""
    have = part.stat().st_size if part.exists() else 0
    if have >= size:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with httpx.stream(
        "GET", url, headers=headers, timeout=_TIMEOUT, follow_redirects=True
    ) as answer:
        answer.raise_for_status()
        resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
        have = have if resumed else 0
        with part.open("ab" if resumed else "wb") as stream:
            for piece in answer.iter_bytes(_PIECE):
                stream.write(piece[: size - have + 1])
                have += len(piece)
                tell(min(have, size))
                if have > size:
                    return


def _check(network: Downloaded, part: Path, url: str) -> None:
    data_size = part.stat().st_size
    with part.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if data_size < network.bytes:
        raise Transient(f"{url} broke off at {data_size} of {network.bytes} bytes: pull again")
    if found != network.sha256:
        part.unlink()
        raise BadInput(
            f"{url} sent {data_size} bytes with sha256 {found[:12]}..., expected "
            f"{network.bytes} bytes with {network.sha256[:12]}...; nothing of it was kept"
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
