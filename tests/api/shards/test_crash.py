"""Who brought a process down is read from what it left behind."""

import subprocess
import sys
import tempfile

import pytest

from api.shards.crash import culprit

_CRASHING = """
import os, sys, threading
from api.shards.crash import CrashLog
log = CrashLog(os.fdopen(int(sys.argv[1]), "w"))
waiting = threading.Event()

def idle(camera):
    log.thread_of(camera)
    waiting.wait()

def crash():
    log.thread_of("bad")
    {crash}

for camera in ("good", "fine"):
    threading.Thread(target=idle, args=(camera,), daemon=True).start()
{start}
waiting.wait(20)
"""
_THREAD = "threading.Thread(target=crash).start()"
_SEGFAULT = "import ctypes; ctypes.string_at(0)"


@pytest.mark.parametrize(
    ("crash", "start", "found"),
    [
        ("os.abort()", _THREAD, "bad"),
        (_SEGFAULT, _THREAD, "bad"),
        ("os.abort()", "os.abort()", None),
        ("os.kill(os.getpid(), 9)", _THREAD, None),
    ],
    ids=["abort", "segmentation fault", "on no camera's thread", "killed"],
)
def test_the_camera_whose_thread_died_is_found(crash: str, start: str, found: str | None) -> None:
    with tempfile.TemporaryFile("w+") as file:
        code = _CRASHING.format(crash=crash, start=start)
        done = subprocess.run(
            [sys.executable, "-c", code, str(file.fileno())],
            pass_fds=[file.fileno()],
            check=False,
            timeout=60,
        )
        file.seek(0)
        text = file.read()
    assert done.returncode < 0
    assert culprit(text) == found, text
