"""``faceapi restore``: a backup's people, in place of all that is there."""

import asyncio
from pathlib import Path

from api.backup.making import LOCKED
from api.backup.manifest import Manifest
from api.backup.safe import Safe
from api.backup.streams import decrypting
from api.program.resources import open_unmigrated
from api.settings.settings import Settings
from api.store.copies import Copies, replacement
from api.store.data_folder import write_secret
from api.store.sealing import KEYS, adopt
from pipeline.errors import BadInput, Misconfigured


async def restore(
    settings: Settings, folder: Path, keys: Path, passphrase: str, *, replace: bool
) -> Safe:
    """Fill the database from ``folder``: all of it or nothing. The program must not run.

    The index is made anew from it when the program starts. Returns what was kept with the keys.

    Raises:
        InUse: the program runs.
        Misconfigured: the database is not empty and ``replace`` is not given; the passphrase is
            another; the backup is a newer program's.
        BadInput: the backup is damaged.
        Transient: the database is away.
    """
    manifest = Manifest.of(folder)
    safe = await asyncio.to_thread(_unlocked, keys / LOCKED, passphrase)
    async with open_unmigrated(settings) as resources:
        adopt(resources.folder, safe.files[KEYS].decode())
        async with replacement(resources.database, manifest.version, replace=replace) as copies:
            await _filled(copies, folder, manifest, safe)
    return safe


def lay_out(safe: Safe, folder: Path) -> None:
    """Write the files that were kept with the keys; none that is there is replaced.

    Raises:
        BadInput: one is there already, or cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, data in safe.files.items():
            if (file := folder / Path(name).name).exists():
                raise BadInput(f"{file} is there already")
            if name != KEYS:
                write_secret(file, data)
    except OSError as error:
        raise BadInput(f"{error.filename}: {error.strerror}") from None


async def _filled(copies: Copies, folder: Path, manifest: Manifest, safe: Safe) -> None:
    for table in await copies.tables():
        async with decrypting(folder / f"{table}.age", safe.identity) as source:
            rows = await copies.write(table, source)
        if rows != manifest.tables.get(table):
            raise BadInput(f"{folder}: {table} has {rows} rows, the manifest says otherwise")
    await copies.end_logs()
    await copies.bring_up_to_date()


def _unlocked(file: Path, passphrase: str) -> Safe:
    try:
        return Safe.unlocked(file.read_bytes(), passphrase)
    except OSError as error:
        raise Misconfigured(f"{file}: {error.strerror}") from None
