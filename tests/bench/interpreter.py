"""How many milliseconds a frame each process of a running service holds its interpreter (the GIL).

    python -m tests.bench.interpreter [--pack builtin] [--cameras 8] [--seconds 20]

What holds the interpreter holds up everything else in its process, however many cores there are:
1000 divided by these milliseconds is the most frames a second that one process can ever make.

From outside, a word of the process's memory is read at random moments: CPython's own flag that the
lock is taken. The part of the moments at which it is taken is the part of the time that it is held.
The process is neither stopped nor asked, so it does not notice. A thread in it could not measure
this: to run it needs the lock itself, and the longer it waits the less it sees. Processor time of
threads does not tell, either: networks compute without the lock. Tried on a thread that held it for
31 % of the time by its own clock, which also ran while it waited to go on: 29 to 30 %. (Which lines
hold it, ``py-spy record --gil --threads`` tells.) It wants FACEAPI_TEST_DATA, and Linux.
"""

import argparse
import asyncio
import ctypes
import multiprocessing
import os
import random
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.inputs import console
from tests.bench.loaded import loaded
from tests.bench.processes import family, read

_PERIOD = 0.001
"""Seconds between two looks, on average."""
_MOST = 1 << 22
"""Bytes of CPython's state that are searched; it has less."""
_MARK = 0.004321
"""A switch interval that nobody else chooses, by which the lock is found."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the flag lies: in which file's data, and how far from where that file is mapped."""

    file: str
    offset: int

    def address(self, process: int) -> int | None:
        """The flag's address in another process; None if that does not run this Python."""
        base = _mapped(process).get(self.file)
        return None if base is None else base + self.offset


@dataclass(slots=True)
class Looks:
    """Looks at one process's flag."""

    process: int
    address: int
    times: int = field(default=0, init=False)
    held: int = field(default=0, init=False)

    def look(self) -> None:
        """Look once more, as long as the process is there."""
        try:
            with Path(f"/proc/{self.process}/mem").open("rb", buffering=0) as memory:
                word = os.pread(memory.fileno(), 4, self.address)
        except OSError:
            return
        self.times += 1
        self.held += any(word)

    @property
    def share(self) -> float:
        """Part of the time that the lock was held."""
        return self.held / max(1, self.times)


def place_of_lock() -> Place:
    """Where CPython has the flag, found in this very process.

    The lock is [switch interval in microseconds, last holder, taken] (``_gil_runtime_state``
    in Include/internal/pycore_gil.h, 3.11 to 3.13). The first two are known here.

    Raises:
        SystemExit: this Python has it in another way.
    """
    runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    before = sys.getswitchinterval()
    sys.setswitchinterval(_MARK)
    try:
        pattern = struct.pack("@LP", round(_MARK * 1e6), _this_thread())
        with Path("/proc/self/mem").open("rb", buffering=0) as memory:
            found = os.pread(memory.fileno(), _MOST, runtime).find(pattern)
    finally:
        sys.setswitchinterval(before)
    if found < 0:
        raise SystemExit(f"Python {sys.version.split()[0]} keeps its lock where it is not found")
    flag = runtime + found + len(pattern)
    file, base = max(
        ((file, base) for file, base in _mapped(os.getpid()).items() if base <= runtime),
        key=lambda mapped: mapped[1],
    )
    return Place(file, flag - base)


def _this_thread() -> int:
    state = ctypes.pythonapi.PyThreadState_Get
    state.restype = ctypes.c_void_p
    return int(state())


def _mapped(process: int) -> Mapping[str, int]:
    """The first address of every file that a process has mapped."""
    found: dict[str, int] = {}
    for line in read(process, "maps").splitlines():
        addresses, *_, file = line.split(maxsplit=5)
        if file.startswith("/"):
            found.setdefault(file, int(addresses.partition("-")[0], 16))
    return found


def look_at(processes: Sequence[int], seconds: float) -> Sequence[Looks]:
    """Look at those of the processes that run this Python, at random moments."""
    place, ends = place_of_lock(), time.monotonic() + seconds
    addresses = ((process, place.address(process)) for process in processes)
    looks = [Looks(process, address) for process, address in addresses if address is not None]
    while time.monotonic() < ends:
        time.sleep(random.expovariate(1 / _PERIOD))
        for one in looks:
            one.look()
    return looks


def command_of(process: int) -> str:
    """How a process was called, without its path, shortened."""
    words = read(process, "cmdline").split("\0")
    return " ".join(Path(word).name for word in words)[:60]


async def measure(args: argparse.Namespace) -> None:
    """Print, for each process of the service that is Python, how long it holds its interpreter."""
    async with loaded(args.pack, args.cameras) as load:
        await load.settled()
        processes = family(load.service.process.pid)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
            looking = asyncio.wrap_future(apart.submit(look_at, processes, args.seconds))
            looks, arrivals = await asyncio.gather(looking, load.during(args.seconds))
        for one in looks:
            console.print(
                f"{1000 * one.share * args.seconds / len(arrivals):6.2f} ms a frame, "
                f"{one.share:.0%} of the time: {command_of(one.process)}"
            )
    held = 1000 * args.seconds * sum(one.share for one in looks) / len(arrivals)
    console.print(
        f"{args.pack}: the interpreter is held {held:.1f} ms a frame at "
        f"{len(arrivals) / args.seconds:.1f} results/s of {args.cameras} cameras",
        style="bold",
    )


def main() -> None:
    """Read the arguments, measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pack", default="builtin", help="a name, a manifest, or yunet")
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
