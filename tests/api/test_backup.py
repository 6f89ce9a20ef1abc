"""A backup brings everything back, or changes nothing. Real PostgreSQL on both sides."""

import asyncio
import io
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyrage
import pytest

from api.backup.making import LOCKED, back_up
from api.backup.manifest import FILE, Manifest
from api.backup.restoring import lay_out, restore
from api.settings.settings import Settings, load_settings
from api.store.address import Address
from api.store.changes import Changes, gallery_named
from api.store.copies import Copies, snapshot
from api.store.data_folder import InUse, locked_folder
from api.store.database import Database
from api.store.faces import Faces
from api.store.messages import NewFace, Person
from api.store.migrate import migrate, shipped_migrations
from api.store.people import People
from api.store.sealing import KEYS, Keyring
from pipeline.errors import BadInput, FaceapiError, Misconfigured
from pipeline.messages import GalleryId, PackId

PACK = PackId("pack-1")
PASSPHRASE = "a passphrase for tests"
TEMPLATE = (np.arange(16, dtype=np.float32) + 1) / np.linalg.norm(np.arange(16) + 1.0)


@dataclass
class World:
    """One installation: a data folder and a database."""

    folder: Path
    truth: Database
    gallery: GalleryId
    settings: Settings

    @classmethod
    async def on(cls, address: Address, folder: Path) -> "World":
        truth = await Database.open(address)
        await migrate(truth)
        environ = {
            "SQL_HOST": address.host,
            "SQL_PORT": str(address.port),
            "SQL_USERNAME": address.user,
            "SQL_PASSWORD": address.password or "",
            "SQL_DATABASE": address.database,
            "FACEAPI_DATA_DIR": str(folder),
        }
        settings = load_settings(environ=environ)
        return cls(folder, truth, await gallery_named(truth, "default"), settings)

    @property
    def people(self) -> People:
        return People(self.truth, self.gallery)

    @property
    def faces(self) -> Faces:
        return Faces(self.truth, self.gallery, Keyring.open(self.folder))

    async def enroll(self, name: str) -> Person:
        person, _ = await self.people.add(name)
        await self.faces.add(person.id, NewFace(PACK, TEMPLATE, b"crop", 9, 9, name.encode()))
        return person

    async def names(self) -> set[str]:
        return set((await self.people.names()).values())

    async def log_id(self) -> str:
        return str((await Changes(self.truth, self.gallery).head()).log)


@pytest.fixture
async def world(database: Address, tmp_path: Path) -> AsyncIterator[World]:
    """An installation with two people, backed up into ``tmp_path``."""
    with locked_folder(tmp_path / "data"):
        pass
    made = await World.on(database, tmp_path / "data")
    for name in ("Ann", "Bob"):
        await made.enroll(name)
    yield made
    await made.truth.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock of the keys without its two seconds, which are what scrypt is for."""

    def lock(plain: bytes, passphrase: str) -> bytes:
        return passphrase.encode() + plain

    def unlock(locked: bytes, passphrase: str) -> bytes:
        return locked.removeprefix(passphrase.encode())

    monkeypatch.setattr(pyrage.passphrase, "encrypt", lock)
    monkeypatch.setattr(pyrage.passphrase, "decrypt", unlock)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backup"


async def make(world: World, folder: Path) -> Manifest:
    return await back_up(world.settings, folder, keys_of(folder), PASSPHRASE, {})


async def bring_back(world: World, folder: Path, *, replace: bool = True) -> None:
    await restore(world.settings, folder, keys_of(folder), PASSPHRASE, replace=replace)


def keys_of(folder: Path) -> Path:
    return folder.with_name("keys")


async def test_another_installation_has_the_same_people_and_can_open_their_faces(
    world: World, backup: Path, tmp_path: Path
) -> None:
    manifest = await make(world, backup)
    assert (manifest.tables["people"], manifest.tables["faces"]) == (2, 2)
    log = await world.log_id()
    await world.enroll("Cid, after the backup")
    with locked_folder(tmp_path / "other"):
        pass
    other = await World.on(await emptied(world), tmp_path / "other")
    try:
        await bring_back(other, backup, replace=False)
        other.gallery = await gallery_named(other.truth, "default")
        assert await other.names() == {"Ann", "Bob"}
        ids = await other.faces.ids(PACK)
        templates = await other.faces.templates(ids, PACK)
        assert len(templates) == 2
        for face in templates:
            np.testing.assert_allclose(face.vector, TEMPLATE, rtol=1e-6)  # normalised again
        assert await other.log_id() != log
    finally:
        await other.truth.close()


async def emptied(world: World) -> Address:
    """The same server's database, all tables gone."""
    async with world.truth.connection() as connection:
        await connection.execute("drop schema public cascade; create schema public")
    sql = world.settings.sql
    password = sql.password.get_secret_value() if sql.password else None
    return Address(str(sql.host), sql.port, sql.username, sql.database, password)


@pytest.mark.usefixtures("quick")
async def test_what_was_enrolled_since_is_only_replaced_when_that_is_said(
    world: World, backup: Path
) -> None:
    await make(world, backup)
    await world.enroll("Cid")
    with pytest.raises(Misconfigured, match=r"not empty .*people.*--replace"):
        await bring_back(world, backup, replace=False)
    assert await world.names() == {"Ann", "Bob", "Cid"}
    await bring_back(world, backup)
    assert await world.names() == {"Ann", "Bob"}


async def test_no_name_no_picture_and_no_key_is_plain_in_a_backup(
    world: World, backup: Path
) -> None:
    await make(world, backup)
    files = files_of(backup)
    (line,) = (world.folder / KEYS).read_text().splitlines()
    assert {path.name for path in files} >= {FILE, LOCKED, "people.age", "faces.age"}
    key = line.split()[1].encode()
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path
        data = path.read_bytes()
        assert not any(secret in data for secret in (b"Ann", b"crop", key)), path


def files_of(backup: Path) -> list[Path]:
    return [*backup.iterdir(), *keys_of(backup).iterdir()]


async def test_one_state_is_copied_while_others_write(world: World) -> None:
    async with snapshot(world.truth) as copies:
        before = await rows(copies, "people")
        await world.enroll("Cid")
        assert await rows(copies, "people") == before == 2
    async with snapshot(world.truth) as copies:
        assert await rows(copies, "people") == 3


async def rows(copies: Copies, table: str) -> int:
    return await copies.read(table, io.BytesIO())


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def change(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)


def remove(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["people.age", "faces.age"])
@pytest.mark.parametrize("harm", [cut, change, remove, empty])
async def test_a_damaged_backup_changes_nothing(
    world: World, backup: Path, harm: Callable[[Path], None], name: str
) -> None:
    await make(world, backup)
    await world.enroll("Cid")
    harm(backup / name)
    with pytest.raises(BadInput, match="damaged or incomplete"):
        await bring_back(world, backup)
    assert await world.names() == {"Ann", "Bob", "Cid"}


@pytest.mark.usefixtures("quick")
async def test_a_table_of_another_backup_changes_nothing(
    world: World, backup: Path, tmp_path: Path
) -> None:
    await make(world, backup)
    await back_up(world.settings, tmp_path / "later", tmp_path / "later-keys", PASSPHRASE, {})
    shutil.copy(tmp_path / "later" / "people.age", backup / "people.age")
    with pytest.raises(BadInput, match="damaged or incomplete"):
        await bring_back(world, backup)
    assert await world.names() == {"Ann", "Bob"}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"people": 2', '"people": 3', "people has 2 rows"),
        ('"version": ', '"version": 999', "this program knows up to"),
        ('"format": 1', '"format": 2', "not of format 1"),
    ],
)
async def test_a_manifest_that_does_not_fit_changes_nothing(
    world: World, backup: Path, old: str, new: str, said: str
) -> None:
    await make(world, backup)
    manifest = (backup / FILE).read_text()
    assert old in manifest
    (backup / FILE).write_text(manifest.replace(old, new))
    with pytest.raises(FaceapiError, match=said):
        await bring_back(world, backup)
    assert await world.names() == {"Ann", "Bob"}


async def test_another_passphrase_opens_nothing(world: World, backup: Path) -> None:
    await make(world, backup)
    with pytest.raises(Misconfigured, match="keys cannot be unlocked"):
        await restore(world.settings, backup, keys_of(backup), "not this one", replace=True)


@pytest.mark.usefixtures("quick")
async def test_a_restore_wants_the_program_stopped_a_backup_does_not(
    world: World, backup: Path
) -> None:
    with locked_folder(world.folder):
        await make(world, backup)
        with pytest.raises(InUse, match="in use by"):
            await bring_back(world, backup)


@pytest.mark.usefixtures("quick")
async def test_a_backup_takes_a_new_folder(world: World, backup: Path) -> None:
    await make(world, backup)
    before = (backup / FILE).read_bytes()
    with pytest.raises(BadInput, match="is there already"):
        await make(world, backup)
    assert (backup / FILE).read_bytes() == before


@pytest.mark.usefixtures("quick")
async def test_what_fails_on_the_way_leaves_no_folder(world: World, backup: Path) -> None:
    missing = {"settings": backup.parent / "no-such-file"}
    with pytest.raises(BadInput, match="no-such-file"):
        await back_up(world.settings, backup, keys_of(backup), PASSPHRASE, missing)
    assert {path.name for path in backup.parent.iterdir()} == {"data"}


async def test_a_full_disk_is_said_and_leaves_no_folder(world: World, backup: Path) -> None:
    """A limit on the size of files fails a write in the middle, as a full disk does."""
    async with world.truth.connection() as connection:
        await connection.execute(
            "insert into people (id, gallery, name) select gen_random_uuid(), $1,"
            " repeat(md5(n::text), 3) from generate_series(1, 20000) as n",
            world.gallery,
        )
    done = await asyncio.to_thread(back_up_with_little_room, world, backup)
    assert done.returncode == 1, done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in backup.parent.iterdir()} == {"data"}


def back_up_with_little_room(world: World, backup: Path) -> subprocess.CompletedProcess[str]:
    sql = world.settings.sql
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536));"
        "from api.command.cli import main; main()"
    )
    environ = {
        "SQL_HOST": str(sql.host),
        "SQL_PORT": str(sql.port),
        "SQL_USERNAME": sql.username,
        "SQL_PASSWORD": sql.password.get_secret_value() if sql.password else "",
        "SQL_DATABASE": sql.database,
        "FACEAPI_DATA_DIR": str(world.folder),
        "BACKUP_PASSPHRASE": PASSPHRASE,
    }
    return subprocess.run(
        [sys.executable, "-B", "-c", code, "backup", str(backup)],
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "300", **environ},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.usefixtures("quick")
async def test_an_older_programs_backup_is_brought_up_to_date(
    world: World, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next version's step runs on the restored rows."""
    await make(world, backup)
    steps = shipped_migrations()
    step = type(steps[-1])(steps[-1].version + 1, "shout", "update people set name = upper(name)")
    monkeypatch.setattr("api.store.copies.shipped_migrations", lambda: [*steps, step])
    await bring_back(world, backup)
    assert await world.names() == {"ANN", "BOB"}


async def test_settings_go_with_the_keys_and_come_back(
    world: World, backup: Path, tmp_path: Path
) -> None:
    settings = tmp_path / ".env.prod"
    settings.write_text("SQL_PASSWORD=secret\n")
    await back_up(world.settings, backup, keys_of(backup), PASSPHRASE, {".env.prod": settings})
    safe = await restore(world.settings, backup, keys_of(backup), PASSPHRASE, replace=True)
    lay_out(safe, tmp_path / "laid")
    (file,) = (tmp_path / "laid").iterdir()
    assert (file.name, file.read_text()) == (".env.prod", "SQL_PASSWORD=secret\n")
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(BadInput, match="is there already"):
        lay_out(safe, tmp_path / "laid")


async def test_an_empty_database_is_no_backup(database: Address, tmp_path: Path) -> None:
    with locked_folder(tmp_path / "data"):
        pass
    world = await World.on(database, tmp_path / "data")
    await emptied(world)
    with pytest.raises(Misconfigured, match="nothing to copy"):
        await make(world, tmp_path / "backup")
    await world.truth.close()
