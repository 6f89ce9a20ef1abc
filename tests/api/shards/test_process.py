"""How the end of a process is told, whatever ended it."""

import os

import pytest

from api.shards.process import _death


@pytest.mark.parametrize(
    ("status", "reason", "said", "native"),
    [
        (-11, "it ended", "ended by SIGSEGV", True),
        (-9, "it said nothing for 3 s", "ended by SIGKILL (it said nothing for 3 s)", False),
        (-40, "it ended", "ended by signal 40", False),
        (1, "it ended", "ended with status 1", False),
    ],
)
def test_a_death_is_said_in_words(status: int, reason: str, said: str, native: bool) -> None:
    crash = os.memfd_create("crash")
    try:
        death = _death(status, reason, crash)
    finally:
        os.close(crash)
    assert (death.reason, death.native, death.culprit) == (said, native, None)
