"""A program of PostgreSQL's as a child that does not outlive this process."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from asyncio.subprocess import Process
from collections.abc import Sequence
from pathlib import Path

from api.embedded import launch
from api.embedded.account import Account

_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.defpath}
_STOP = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""PostgreSQL's fast shutdown, its immediate one, and by force; with seconds for each."""
_LAST_BYTES, _LAST_LINES = 4096, 6


async def start(command: Sequence[str], account: Account, log: Path) -> Process:
    """Start ``command`` as ``account``, apart from the terminal, with its output in ``log``."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("it would end with this thread: start it from the main thread")
    launcher = (sys.executable, "-I", "-S", launch.__file__)
    numbers = (os.getpid(), account.uid, account.gid)
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *(*launcher, *map(str, numbers), *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )


async def stop(process: Process) -> None:
    """End it, more and more firmly; returns when it has ended."""
    for number, patience in _STOP:
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)


def ending(process: Process) -> str:
    """How it ended, for messages."""
    code = process.returncode
    return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"


def last_lines(log: Path) -> str:
    """The end of a log, for messages."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_LAST_LINES:])
