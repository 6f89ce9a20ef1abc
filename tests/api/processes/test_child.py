"""How the end of a process is told, whatever ended it."""

import os

import pytest

from api.processes.child import end_of


@pytest.mark.parametrize(
    ("status", "reason", "said", "native"),
    [
        (-11, "it ended", "ended by SIGSEGV", True),
        (-9, "it said nothing for 3 s", "ended by SIGKILL (it said nothing for 3 s)", False),
        (-40, "it ended", "ended by signal 40", False),
        (1, "it ended", "ended with status 1", False),
    ],
)
def test_an_end_is_said_in_words(status: int, reason: str, said: str, native: bool) -> None:
    crash = os.memfd_create("crash")
    try:
        end = end_of(status, reason, crash)
    finally:
        os.close(crash)
    assert (end.reason, end.native, end.crash) == (said, native, "")
