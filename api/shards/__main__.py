"""``python -m api.shards LINK CRASH PARENT LEVEL ID``: a shard; only the program starts it.

LINK and CRASH are numbers of open files: a connected socket, and what a crash is written to.
"""

import asyncio
import ctypes
import logging
import os
import signal
import socket
import sys

from api.shards.crash import CrashLog
from api.shards.link import Link, LinkBroken
from api.shards.messages import TO_SHARD, FromShard, ToShard
from api.shards.shard import run
from pipeline.errors import FaceapiError

_PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


async def _run(connected: socket.socket, crash: CrashLog) -> None:
    link: Link[FromShard, ToShard] = Link(
        *await asyncio.open_unix_connection(sock=connected), TO_SHARD
    )
    try:
        await run(link, crash)
    except LinkBroken as gone:
        logging.getLogger("shard").info("the program has gone: %s", gone)


def main(link: int, crash: int, parent: int, level: str, shard: str) -> None:
    """Die with the program; watch until it has gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the program ended before this shard began")
    logging.basicConfig(
        level=level.upper(),
        format=f"%(asctime)s %(levelname)s shard {shard} %(name)s: %(message)s",
    )
    with os.fdopen(crash, "w", encoding="ascii") as file:
        try:
            asyncio.run(_run(socket.socket(fileno=link), CrashLog(file)))
        except FaceapiError as error:
            sys.exit(f"faceapi: shard {shard}: {error}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5])
