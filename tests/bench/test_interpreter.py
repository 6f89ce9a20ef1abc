import subprocess
import sys

import pytest

from tests.bench.interpreter import Looks, place_of_lock
from tests.system.service import wait_until


@pytest.mark.parametrize(("sleep", "held"), [("PyDLL", 100), ("CDLL", 0)])
def test_a_process_is_seen_to_hold_its_interpreter(sleep: str, held: int) -> None:
    """A function of PyDLL is called with the interpreter held, one of CDLL without."""
    command = [sys.executable, "-c", f"import ctypes; ctypes.{sleep}(None).sleep(600)"]

    def is_seen() -> bool:
        address = place_of_lock().address(process.pid)
        if address is None:  # it has not loaded Python yet
            return False
        looks = Looks(process.pid, address)
        for _ in range(100):
            looks.look()
        return (looks.times, looks.held) == (100, held)

    with subprocess.Popen(command) as process:
        try:
            wait_until(is_seen, f"{held} of 100 looks at a held interpreter")
        finally:
            process.kill()
