"""The folder of what must not be lost, held by one program at a time; the secrets in it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import Misconfigured


class InUse(Misconfigured):
    """Another process holds the folder."""


_LONGEST_PID = 20
"""Bytes; the largest there is has ten digits."""


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[Path]:
    """Make ``folder`` if it is not there and hold it; yields its absolute path.

    It is held by a lock on the file ``lock`` in it, which ends with the process, however that
    ends.

    Raises:
        InUse: another process holds it.
        Misconfigured: it cannot be made or written.
    """
    folder = folder.expanduser().absolute()
    with _explained(folder):
        _make(folder)
        lock = os.open(
            folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
    try:
        with _explained(folder):
            _take(lock, folder)
        yield folder
    finally:
        os.close(lock)


def write_secret(file: Path, secret: bytes) -> None:
    """Write a secret for the owner's eyes: all of it or nothing, and on the disk when it returns.

    Raises:
        OSError: it cannot be written.
    """
    begun = file.with_suffix(".new")
    begun.unlink(missing_ok=True)
    with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(secret)
        stream.flush()
        os.fsync(stream.fileno())
    begun.rename(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _make(folder: Path) -> None:
    """Private; as root others may pass, because PostgreSQL refuses to run as root."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InUse(
            f"{folder} is in use by {_holder(lock)}: stop it, or give this one a data folder of "
            "its own (FACEAPI_DATA_DIR)"
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _holder(lock: int) -> str:
    """Who wrote its number into the file; it may be about to."""
    pid = os.pread(lock, _LONGEST_PID, 0).decode("ascii", "replace").strip()
    return f"process {pid}" if pid else "another process"


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Misconfigured(
            f"the data folder {folder} cannot be used ({error.strerror}): it must be a folder "
            "that this program may write to, on a disk with space left; FACEAPI_DATA_DIR names "
            "another"
        ) from error
