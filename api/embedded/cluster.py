"""A database cluster on disk: made whole or not at all, of the right version, with no leftovers."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from api.embedded.account import Account
from api.embedded.programs import MAJOR
from pipeline.errors import Misconfigured, Transient

USER = "faceapi"
"""The cluster's superuser."""
_GRACE = 5.0
"""Seconds for a server of before to end by itself."""
_BEGUN = "data.begun-"


def check_version(data: Path) -> None:
    """Refuse another major version's data.

    Raises:
        Misconfigured: it is another one's.
    """
    found = (data / "PG_VERSION").read_text().strip()
    if found != str(MAJOR):
        raise Misconfigured(
            f"{data} holds data of PostgreSQL {found}, and this program brings {MAJOR}: move them "
            "by pg_dump with the version of before, or name another folder (FACEAPI_DATA_DIR) or "
            "a server (SQL_HOST)"
        )


def begin(data: Path, account: Account) -> Path:
    """An empty folder beside ``data`` to make a cluster in; those begun before are removed."""
    for old in data.parent.glob(f"{_BEGUN}*"):
        shutil.rmtree(old, ignore_errors=True)
    begun = Path(tempfile.mkdtemp(prefix=_BEGUN, dir=data.parent))
    os.chown(begun, account.uid, account.gid)
    return begun


def initdb(programs: Path, folder: Path) -> Sequence[str]:
    """The command that makes a cluster; its locale is PostgreSQL's own, the same everywhere."""
    return (
        *(str(programs / "initdb"), "--pgdata", str(folder), "--username", USER),
        *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *("--locale=C", "--data-checksums", "--no-instructions"),
        *("--auth-local=trust", "--auth-host=reject"),
    )


async def clear_leftovers(data: Path) -> None:
    """Wait until no process of an earlier server works on ``data``; end those that stay.

    The lock of the data folder says that none of them belongs to a living program. Their pid file
    goes: the number in it may by now be another process's.

    Raises:
        Transient: one cannot be ended.
    """
    began = asyncio.get_running_loop().time()
    while left := await asyncio.to_thread(_servers, data):
        waited = asyncio.get_running_loop().time() - began
        if waited > 2 * _GRACE:
            raise Transient(f"PostgreSQL's processes {left} still hold {data} and do not end")
        if waited > _GRACE:
            _kill(left)
        await asyncio.sleep(0.02)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _servers(data: Path) -> Sequence[int]:
    """Processes of PostgreSQL whose working folder is ``data``, as every one of a server is."""
    here = data.stat()
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [number for number in numbers if _serves(Path(f"/proc/{number}"), here)]


def _serves(process: Path, folder: os.stat_result) -> bool:
    try:
        return (process / "exe").readlink().name.startswith("postgres") and os.path.samestat(
            (process / "cwd").stat(), folder
        )
    except OSError:  # it ended, or it is nobody's that we may see
        return False


def _kill(processes: Sequence[int]) -> None:
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
