import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.store.data_folder import locked_folder
from pipeline.errors import Misconfigured

HOLDER = """
import sys
from pathlib import Path
from api.store.data_folder import locked_folder
with locked_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A folder that another process holds."""
    folder = tmp_path / "data"
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdin=pipe, stdout=pipe, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield folder, holder


def test_the_folder_is_made_with_those_above_it_and_closed_to_others(tmp_path: Path) -> None:
    with locked_folder(tmp_path / "a" / "b") as folder:
        mode = stat.S_IMODE(folder.stat().st_mode)
        assert mode == (0o711 if os.geteuid() == 0 else 0o700)
        assert stat.S_IMODE((folder / "lock").stat().st_mode) == 0o600


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with locked_folder(tmp_path):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_it_can_be_claimed_again_once_it_is_let_go(tmp_path: Path) -> None:
    with locked_folder(tmp_path):
        pass
    with locked_folder(tmp_path) as folder:
        assert (folder / "lock").read_text() == f"{os.getpid()}\n"


def test_a_second_process_is_told_who_has_it_and_what_to_do(
    held: tuple[Path, subprocess.Popen[str]],
) -> None:
    folder, holder = held
    with pytest.raises(Misconfigured) as refused, locked_folder(folder):
        pass
    told = str(refused.value)
    assert f"process {holder.pid}:" in told
    assert str(folder) in told
    assert "FACEAPI_DATA_DIR" in told


def test_a_killed_process_holds_nothing(held: tuple[Path, subprocess.Popen[str]]) -> None:
    folder, holder = held
    holder.kill()
    holder.wait()
    with locked_folder(folder):
        assert (folder / "lock").read_text() == f"{os.getpid()}\n"


def test_a_child_of_the_holder_does_not_hold_it(tmp_path: Path) -> None:
    with locked_folder(tmp_path):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    with child, locked_folder(tmp_path):
        assert child.poll() is None
        child.communicate()


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(Misconfigured, match="must be a folder"), locked_folder(tmp_path / "data"):
        pass


def test_a_file_system_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(Misconfigured, match="/proc/faceapi cannot be used"):  # noqa: SIM117
        with locked_folder(Path("/proc/faceapi")):
            pass


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(Misconfigured, match=r"No space left on device"), locked_folder(tmp_path):
        pass
