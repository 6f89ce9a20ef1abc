"""Inside a process of ours: ``python -m MODULE LINK CRASH PARENT LEVEL NAME``.

The program starts it. LINK and CRASH are numbers of open files: a connected socket, and what a
crash is written to.
"""

import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO

import msgspec

from api.processes.link import Link, LinkBroken, Received, Sent
from pipeline.errors import FaceapiError

_PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""
_LEAST = {"aiortc": logging.ERROR, "aioice": logging.WARNING}
"""What of these libraries is logged at the least, whatever the level is: below it they write whole
session descriptions, with passwords, every address, and a line for each picture that is damaged."""
_PAGE = os.sysconf("SC_PAGE_SIZE")

Run = Callable[[Link[Sent, Received], IO[str]], Awaitable[None]]


def enter(decoder: msgspec.msgpack.Decoder[list[Received]], run: "Run[Sent, Received]") -> None:
    """Die with the program; until then ``run``."""
    link, crash, parent = map(int, sys.argv[1:4])
    level, name = sys.argv[4:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(f"the program ended before {name} began")
    logging.basicConfig(
        level=level.upper(), format=f"%(asctime)s %(levelname)s {name} %(name)s: %(message)s"
    )
    for library, least in _LEAST.items():
        logging.getLogger(library).setLevel(least)
    with os.fdopen(crash, "w", encoding="ascii") as file:
        try:
            asyncio.run(_linked(socket.socket(fileno=link), decoder, run, file))
        except FaceapiError as error:
            sys.exit(f"faceapi: {name}: {error}")


async def _linked(
    connected: socket.socket,
    decoder: msgspec.msgpack.Decoder[list[Received]],
    run: "Run[Sent, Received]",
    crash: IO[str],
) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=connected)
    try:
        await run(Link(reader, writer, decoder), crash)
    except LinkBroken as gone:
        logging.getLogger(__name__).info("the program has gone: %s", gone)


def resident_bytes() -> int:
    """Memory that this process holds."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE


def cpu_seconds() -> float:
    """Processor time that this process has used."""
    times = os.times()
    return times.user + times.system
