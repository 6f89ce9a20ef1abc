"""Run a command on a terminal, type a line once it hides what is typed, print the screen."""

import os
import pty
import sys
import termios
import time

_ECHO_FLAGS, _PATIENCE = 3, 30.0
"""Which of a terminal's attributes hold ECHO; seconds until the command has to hide."""


def _hides(terminal: int) -> bool:
    return not termios.tcgetattr(terminal)[_ECHO_FLAGS] & termios.ECHO


def _screen(terminal: int) -> bytes:
    """All there is to come; Linux reports the end of a terminal as an error."""
    seen = b""
    try:
        while part := os.read(terminal, 4096):
            seen += part
    except OSError:
        pass
    return seen


def main(line: str, *command: str) -> int:
    """The command's exit status; 99 if it never hid anything."""
    child, terminal = pty.fork()
    if not child:
        os.execvp(command[0], command)  # noqa: S606 - the test's own command
    late = time.monotonic() + _PATIENCE
    while not _hides(terminal):
        if time.monotonic() > late:
            return 99
    os.write(terminal, f"{line}\n".encode())
    sys.stdout.buffer.write(_screen(terminal))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
