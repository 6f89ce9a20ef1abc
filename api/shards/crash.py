"""Which camera's stream crashed a shard: threads say whose they are, Python which one died.

Both write into one nameless file in memory, which outlives the process.
"""

import faulthandler
import re
import threading
from typing import IO

from pipeline.messages import CameraId

_BEGAN = re.compile(r"^thread (0x[0-9a-f]+) camera (\S+)$", re.MULTILINE)
_DIED = re.compile(r"^Current thread (0x[0-9a-f]+)", re.MULTILINE)


class CrashLog:
    """Written in the shard; what crashes the process natively ends up in ``file``."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        faulthandler.enable(file)  # of all threads: only then it says which one is the current

    def thread_of(self, camera: CameraId) -> None:
        """The calling thread works for this camera alone from now on."""
        self._file.write(f"thread {threading.get_ident():#018x} camera {camera}\n")
        self._file.flush()


def culprit(text: str) -> CameraId | None:
    """The camera whose thread died, if it was one's."""
    died = _DIED.search(text)
    if died is None:
        return None
    threads = {int(thread, 16): camera for thread, camera in _BEGAN.findall(text)}
    found = threads.get(int(died[1], 16))
    return None if found is None else CameraId(found)
