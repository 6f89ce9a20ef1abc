"""What every test may ask for."""

import dataclasses
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from api.store.address import Address
from tests.packs import join_yunet_dlib

CAMERA_PASSWORD = "nite-word"
"""In every camera's password in tests: it must come out nowhere."""

settings.register_profile("patient", deadline=None)  # machines that build are shared and slow
settings.load_profile("patient")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of clips, photographs and models that the repository does not hold."""
    folder = os.environ.get("FACEAPI_TEST_DATA")
    if not folder:
        pytest.skip("FACEAPI_TEST_DATA is unset: no clips, photographs and models to test with")
    return Path(folder).resolve()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]  # noqa: ANN201, ARG001 - pluggy's own generator type
    """On CI a skip is a failure: what is not run is not shown. A camera's password always is."""
    outcome = yield
    report = outcome.get_result()
    if any(CAMERA_PASSWORD in text for _, text in report.sections):
        report.outcome = "failed"
        report.longrepr = "a camera's password is in the captured output"
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped on CI: {report.longrepr}"


@pytest.fixture(scope="session")
def yunet_dlib(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest that joins YuNet, of any frame size, with the builtin pack's embedder."""
    return join_yunet_dlib(test_data, tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="session")
def database_server() -> Iterator[Address]:
    """A PostgreSQL server: the one that SQL_HOST names, else one of our own."""
    env = os.environ
    if host := env.get("SQL_HOST"):
        user, password = env["SQL_USERNAME"], env["SQL_PASSWORD"]
        yield Address(host, int(env["SQL_PORT"]), user, "postgres", password)
        return
    # Not in tmp_path: root's server runs as another user, who may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="faceapi-postgres-"))
    folder.chmod(0o711)
    program = str(Path(__file__).with_name("postgres.py"))
    with subprocess.Popen(
        [sys.executable, program, folder / "postgres"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is the tests'
    ) as server:
        assert server.stdout is not None
        answer = server.stdout.readline()
        assert answer, "the server did not start: its error is above"
        yield Address(**json.loads(answer))
        server.communicate(timeout=60)
    shutil.rmtree(folder)
    assert server.returncode == 0


@pytest.fixture
async def database(database_server: Address) -> AsyncIterator[Address]:
    """A fresh, empty database; dropped afterwards, with whoever is still connected."""
    name = f"test_{secrets.token_hex(8)}"
    connection = await asyncpg.connect(**dataclasses.asdict(database_server))
    await connection.execute(f"CREATE DATABASE {name}")
    yield dataclasses.replace(database_server, database=name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()
