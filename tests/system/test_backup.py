"""From a running installation into an empty one on another server: the same people are known."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from api.command.film import COLLINS, HOPPER, portrait
from api.store.address import Address
from tests.system.service import Service, person, wait_until

pytestmark = pytest.mark.system

PASSPHRASE = "a passphrase for tests"


def faceapi(service: Service, *args: str | Path) -> str:
    """A command over a service's data folder and database; what it said."""
    own = {"FACEAPI_DATA_DIR": str(service.folder / "data"), "COLUMNS": "300", **service.environ}
    done = subprocess.run(
        [sys.executable, "-m", "api", *map(str, args)],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kept", [".env.prod", "=.env.prod", "../x=.env.prod", "sealing.keys=x"])
def test_what_is_kept_has_a_name_without_a_folder(kept: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api", "backup", str(tmp_path / "b"), "--with", kept],
        env={**os.environ, "FACEAPI_DATA_DIR": str(tmp_path), "BACKUP_PASSPHRASE": PASSPHRASE},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "NAME=FILE" in done.stderr
    assert list(tmp_path.iterdir()) == []


def found(client: httpx.Client, name: str) -> list[str]:
    answer = client.post("/recognize", files={"image": portrait(name).read_bytes()})
    return [face["name"] for face in answer.json()["faces"]]


async def test_who_was_enrolled_there_is_recognized_here(
    new_service: Callable[..., Service], database: Address, tmp_path: Path
) -> None:
    """From our own server into the one that SQL_HOST names: on CI that is Debian's 15."""
    there = new_service(SQL_HOST="", BACKUP_PASSPHRASE=PASSPHRASE)
    here = new_service(
        SQL_HOST=database.host,
        SQL_PORT=str(database.port),
        SQL_USERNAME=database.user,
        SQL_PASSWORD=database.password or "",
        SQL_DATABASE=database.database,
        BACKUP_PASSPHRASE=PASSPHRASE,
    )
    await asyncio.to_thread(round_trip, there, here, tmp_path / "backup")


def round_trip(there: Service, here: Service, backup: Path) -> None:
    there.start()
    with there.client() as client:
        person(client, COLLINS, portrait(COLLINS))
        camera = {"name": "Entrance", "url": "rtsp://user:secret@203.0.113.7/x", "enabled": False}
        assert client.post("/cameras", json=camera).status_code == 201
    assert "1 people, 1 faces" in faceapi(
        there, "backup", backup, "--with", "settings.yaml=configs/default.yaml"
    )
    with there.client() as client:
        person(client, HOPPER, portrait(HOPPER))
    assert there.stop() == 0

    assert "restored" in faceapi(here, "restore", backup, "--settings", backup / "kept")
    assert "sql:" in (backup / "kept" / "settings.yaml").read_text()
    here.start()
    assert here.password == "", "the administrator came with the backup"
    here.password = there.password
    with here.client() as client:
        wait_until(lambda: found(client, COLLINS) == [COLLINS], "she is recognized")
        assert found(client, HOPPER) == [None], "she was enrolled after the backup"
        (camera,) = client.get("/cameras").json()["items"]
        assert camera["name"] == "Entrance"
    assert here.stop() == 0
