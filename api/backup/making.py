"""``faceapi backup``: one state of the database, while the program goes on."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pyrage.x25519 import Identity, Recipient

from api.backup.manifest import FILE, Manifest
from api.backup.safe import Safe
from api.backup.streams import encrypting
from api.program.resources import open_alongside
from api.settings.settings import Settings
from api.store.copies import Copies, snapshot
from api.store.data_folder import write_secret
from api.store.sealing import KEYS
from pipeline.errors import BadInput

LOCKED = "keys.age"
"""The file in the folder of the keys."""


async def back_up(
    settings: Settings, folder: Path, keys: Path, passphrase: str, more: Mapping[str, Path]
) -> Manifest:
    """Write the database into ``folder``, and what opens it into ``keys``.

    ``more`` are files that are kept with the keys, such as settings, under the names given. Both
    folders are new; they bear their names only when all is in them and on the disk.

    Raises:
        BadInput: a folder is there already, or cannot be written; a file cannot be read.
        Misconfigured, Transient: the database cannot be used.
    """
    identity = Identity.generate()
    try:
        with _new(folder) as begun, _new(keys) as begun_keys:
            async with open_alongside(settings) as resources:
                sources = {KEYS: resources.folder / KEYS, **more}
                files = {name: path.read_bytes() for name, path in sources.items()}
                async with snapshot(resources.database) as copies:
                    manifest = await _copied(copies, begun, identity.to_public())
            locked = await asyncio.to_thread(Safe(identity, files).locked, passphrase)
            write_secret(begun_keys / LOCKED, locked)
            write_secret(begun / FILE, manifest.model_dump_json(indent=2).encode())
    except OSError as error:
        raise BadInput(f"{error.filename or folder}: {error.strerror}") from None
    return manifest


async def _copied(copies: Copies, folder: Path, recipient: Recipient) -> Manifest:
    rows: dict[str, int] = {}
    for table in await copies.tables():
        async with encrypting(folder / f"{table}.age", recipient) as output:
            rows[table] = await copies.read(table, output)
    return _manifest(await copies.version(), rows)


def _manifest(tables: int, rows: Mapping[str, int]) -> Manifest:
    return Manifest(
        made_at=datetime.now(UTC), program=version("faceapi"), version=tables, tables=rows
    )


@contextmanager
def _new(folder: Path) -> Iterator[Path]:
    """A folder that only its owner may enter, and that gets its name when it is complete."""
    if folder.exists():
        raise BadInput(f"{folder} is there already: name a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    begun = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        yield begun
        begun.rename(folder)
    except BaseException:
        shutil.rmtree(begun, ignore_errors=True)
        raise
