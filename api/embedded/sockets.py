"""Where the server's Unix socket lies: a private folder with a short name."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from api.embedded.account import Account
from pipeline.errors import Misconfigured

PORT = 5432
"""Only a part of the socket's name: no TCP port is opened."""
_LONGEST = 107
"""Bytes of a Unix socket's path: sizeof(sun_path) of linux/un.h without the closing zero."""


def socket_folder(folder: Path) -> Path:
    """In ``folder``, or where its path is too long, in one for short-lived things.

    Raises:
        Misconfigured: every path is too long.
    """
    name = f"faceapi-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    choices = [folder / "run", *(place / name for place in _places())]
    for choice in choices:
        if len(os.fsencode(choice / f".s.PGSQL.{PORT}")) <= _LONGEST:
            return choice
    raise Misconfigured(f"{folder} is too long for a Unix socket: shorten FACEAPI_DATA_DIR")


def make_anew(folder: Path, account: Account) -> None:
    """Empty and private to ``account``.

    Raises:
        Misconfigured: somebody else made it before.
    """
    remove(folder)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise Misconfigured(f"{folder} belongs to somebody else: remove it") from None
    os.chown(folder, account.uid, account.gid)


def remove(folder: Path) -> None:
    """With the socket in it; a link is left where it is."""
    shutil.rmtree(folder, ignore_errors=True)


def _places() -> list[Path]:
    """Root's must be open to the one it hands PostgreSQL to."""
    if os.geteuid() == 0:
        return [Path("/run"), Path("/tmp")]  # noqa: S108 - the folder in it is private
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return [*([Path(runtime)] if runtime else []), Path(tempfile.gettempdir())]
