"""The command line as a client: what a person types, and what comes of it."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from api.command.film import COLLINS, HOPPER, portrait
from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip
from tests.films import write_film
from tests.system.service import Service

pytestmark = pytest.mark.system

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command with a home of its own."""

    def command(
        *args: str | Path, say: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        own = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "COLUMNS": "300", **environ}
        done = subprocess.run(
            [sys.executable, "-m", "api", *map(str, args)],
            input=say,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, **own},
        )
        assert "Traceback" not in done.stderr
        return done

    return command


@pytest.fixture
def faceapi(run: Run, service: Service) -> Run:
    """The same, signed in."""
    signed = run("login", service.url, FACEAPI_PASSWORD=service.password)
    assert signed.returncode == 0, signed.stderr
    return run


def test_who_has_not_signed_in_is_told_how(run: Run, service: Service) -> None:
    asked = run("people", "list")
    assert (asked.returncode, "faceapi login" in asked.stderr) == (1, True)
    wrong = run("login", service.url, FACEAPI_PASSWORD="wrong")
    assert (wrong.returncode, "another password" in wrong.stderr) == (1, True)
    nowhere = run("login", "http://127.0.0.1:9", FACEAPI_PASSWORD="x")
    assert (nowhere.returncode, "127.0.0.1:9" in nowhere.stderr) == (1, True)
    nonsense = run("login", "nonsense", FACEAPI_PASSWORD="x")
    assert (nonsense.returncode, "http://" in nonsense.stderr) == (1, True)


def test_a_login_is_kept_for_nobody_else_and_forgotten(faceapi: Run, tmp_path: Path) -> None:
    file = tmp_path / "config" / "faceapi" / "login.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()).keys() == {"url", "token"}
    assert faceapi("logout").returncode == 0
    assert faceapi("people", "list").returncode == 1


def test_a_folder_of_people_is_enrolled_with_what_is_wrong_said(
    faceapi: Run, tmp_path: Path
) -> None:
    people = tmp_path / "people"
    for name, photograph in ((COLLINS, portrait(COLLINS)), (HOPPER, portrait(HOPPER))):
        (people / name).mkdir(parents=True)
        shutil.copy(photograph, people / name)
    (people / COLLINS / "broken.jpg").write_bytes(b"x")
    (people / "Nobody").mkdir()
    (people / "Nobody" / "broken.jpg").write_bytes(b"x")
    done = faceapi("enroll", people)
    assert done.returncode == 1
    assert "2 enrolled, 2 refused" in done.stdout
    assert f"{COLLINS}/broken.jpg: it is no picture" in done.stderr
    listed = json.loads(faceapi("people", "list", "--json").stdout)
    assert {one["name"]: one["faces"] for one in listed} == {COLLINS: 1, HOPPER: 1}
    assert "well" in faceapi("gallery", "verify").stdout
    for one in listed:
        assert faceapi("people", "delete", one["id"], "--yes").returncode == 0


def test_a_person_is_made_renamed_shown_and_deleted(faceapi: Run) -> None:
    assert faceapi("enroll", COLLINS, portrait(COLLINS)).returncode == 0
    again = faceapi("enroll", COLLINS, portrait(COLLINS))
    assert (again.returncode, "already" in again.stderr) == (1, True)
    assert faceapi("people", "rename", COLLINS, 'E. 柯林斯 "Mom"').returncode == 0
    assert "builtin" in faceapi("people", "show", 'E. 柯林斯 "Mom"').stdout
    assert faceapi("people", "not-her", 'E. 柯林斯 "Mom"', portrait(HOPPER)).returncode == 0
    nowhere = faceapi("people", "not-her", 'E. 柯林斯 "Mom"', "nowhere.jpg")
    assert (nowhere.returncode, "no such file" in nowhere.stderr) == (1, True)
    for command, ignored in (("ignore", True), ("stop-ignoring", False)):
        assert faceapi("people", command, 'E. 柯林斯 "Mom"').returncode == 0
        (listed,) = json.loads(faceapi("people", "list", "--json").stdout)
        assert listed["ignored"] is ignored
    assert faceapi("people", "delete", 'E. 柯林斯 "Mom"', say="n\n").returncode == 1
    assert faceapi("people", "delete", 'E. 柯林斯 "Mom"', say="y\n").returncode == 0
    gone = faceapi("people", "show", COLLINS)
    assert (gone.returncode, COLLINS in gone.stderr) == (1, True)


def test_shards_are_listed_with_their_cameras_and_cameras_with_their_shard(faceapi: Run) -> None:
    assert faceapi("cameras", "add", "Yard", "rtsp://127.0.0.1:9/1").returncode == 0
    (camera,) = json.loads(faceapi("cameras", "list", "--json").stdout)
    shards = json.loads(faceapi("shards", "--json").stdout)
    (shard,) = (one for one in shards if camera["id"] in one["cameras"])
    assert camera["shard"] == shard["id"]
    (row,) = (line for line in faceapi("shards").stdout.splitlines() if "Yard" in line)
    assert str(shard["pid"]) in row
    assert faceapi("cameras", "disable", "Yard").returncode == 0
    assert json.loads(faceapi("cameras", "list", "--json").stdout)[0]["shard"] == ""
    assert faceapi("cameras", "delete", "Yard", "--yes").returncode == 0


def test_a_cameras_password_needs_to_stand_on_no_command_line(faceapi: Run) -> None:
    added = faceapi("cameras", "add", "Gate", "-", say="rtsp://ann:nite-word@127.0.0.1:9/1\n")
    assert added.returncode == 0, added.stderr
    assert faceapi("cameras", "disable", "Gate").returncode == 0
    listed = faceapi("cameras", "list", "--json").stdout
    assert json.loads(listed)[0]["state"] == "disabled"
    assert "nite-word" not in listed
    wrong = faceapi("cameras", "change", "Gate", "--url", "http://x")
    assert (wrong.returncode, "rtsp://" in wrong.stderr) == (1, True)
    assert faceapi("cameras", "delete", "Gate", "--yes").returncode == 0
    assert faceapi("cameras", "enable", "Gate").returncode == 1


def test_users_are_let_in_and_out(faceapi: Run, service: Service, run: Run) -> None:
    new = {"FACEAPI_NEW_PASSWORD": "a long password"}
    assert faceapi("users", "add", "guest", **new).returncode == 0
    short = faceapi("users", "add", "other", FACEAPI_NEW_PASSWORD="short")
    assert (short.returncode, "at least 10" in short.stderr) == (1, True)
    assert "guest" in faceapi("users", "list").stdout
    guest = {"FACEAPI_PASSWORD": "a long password"}
    assert run("login", service.url, "--user", "guest", **guest).returncode == 0
    changed = run("users", "password", **guest, FACEAPI_NEW_PASSWORD="another password")
    assert changed.returncode == 0, changed.stderr
    assert run("login", service.url, "--user", "guest", **guest).returncode == 1
    assert run("login", service.url, FACEAPI_PASSWORD=service.password).returncode == 0
    assert run("users", "role", "guest", "administrator").returncode == 0
    assert "administrator" in run("users", "list").stdout.split("guest")[1].splitlines()[0]
    assert run("users", "delete", "guest", "--yes").returncode == 0


def test_the_index_is_made_anew_through_the_running_program(faceapi: Run) -> None:
    rebuilt = faceapi("gallery", "rebuild")
    assert (rebuilt.returncode, rebuilt.stdout.startswith("0 faces in")) == (0, True)
    assert json.loads(faceapi("gallery", "show").stdout)["pack"] == "builtin"


def test_the_gallery_tests_itself_and_a_photograph_is_set_aside_and_taken_back(
    faceapi: Run,
) -> None:
    for name, photograph in ((COLLINS, COLLINS), (HOPPER, HOPPER)):
        assert faceapi("enroll", name, portrait(photograph)).returncode == 0
    checked = faceapi("gallery", "check", "--false-match-rate", "0.01")
    assert checked.returncode == 0, checked.stderr
    assert "2 people, 2 faces, threshold 0.93" in checked.stdout
    (nearest,) = (line for line in checked.stdout.splitlines() if line.startswith("nearest two"))
    assert COLLINS in nearest
    assert HOPPER in nearest
    assert "300 are wanted" in checked.stdout
    found = json.loads(faceapi("gallery", "check", "--json").stdout)["found"]
    assert found["comparisons"]["fmr"]["trials"] == 1
    (face,) = json.loads(faceapi("people", "show", COLLINS, "--json").stdout)
    assert faceapi("people", "set-aside", COLLINS, face["id"]).returncode == 0
    assert "no two people" in faceapi("gallery", "check").stdout
    assert "well" in faceapi("gallery", "verify").stdout
    again = faceapi("enroll", COLLINS, portrait(COLLINS))
    assert (again.returncode, "set aside: take it back" in again.stderr) == (1, True)
    assert faceapi("people", "take-back", COLLINS, face["id"]).returncode == 0
    assert "2 people, 2 faces" in faceapi("gallery", "check").stdout
    nonsense = faceapi("people", "set-aside", COLLINS, "x")
    assert (nonsense.returncode, "no face's id" in nonsense.stderr) == (1, True)
    refused = faceapi("gallery", "check", "--false-match-rate", "7")
    assert (refused.returncode, "false_match_rate" in refused.stderr) == (1, True)
    for name in (COLLINS, HOPPER):
        assert faceapi("people", "delete", name, "--yes").returncode == 0


async def test_an_address_is_tried_before_a_camera_is_made(faceapi: Run, tmp_path: Path) -> None:
    film, seen = write_film(tmp_path / "film.mp4", 30), tmp_path / "seen.jpg"
    async with VirtualCamera({"gate": read_clip(film)}) as camera:
        url = camera.url("gate").with_secrets
        told = await asyncio.to_thread(
            faceapi, "cameras", "check", url, "--json", "--picture", seen
        )
        table = await asyncio.to_thread(faceapi, "cameras", "check", "-", say=url)
        wrong = camera.url("yard").with_secrets
        refused = await asyncio.to_thread(faceapi, "cameras", "check", wrong)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["codec"], found["width"], found["height"]) == ("H.264", 160, 120)
    assert "picture" not in found
    assert seen.read_bytes().startswith(b"\xff\xd8")
    assert ("H.264" in table.stdout, table.returncode) == (True, 0)
    assert (refused.returncode, "there is no such stream" in refused.stderr) == (1, True)
