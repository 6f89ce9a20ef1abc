"""Becomes another program, as another user if root asks, that ends when its parent does.

``python launch.py PARENT UID GID PROGRAM ARGUMENT...``: a process of its own, because in a process
with threads nothing may safely be done between fork and exec.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


def launch(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Never returns; the signal at the parent's death is SIGINT, PostgreSQL's fast shutdown."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    # After the change of user, which would undo it.
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the parent ended before the program began")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    launch(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
