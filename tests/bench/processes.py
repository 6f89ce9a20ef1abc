"""What a process and all below it take, as Linux counts it."""

import os
import re
from collections.abc import Sequence
from pathlib import Path


def family(process: int) -> Sequence[int]:
    """A process and all below it, whichever of its threads started them; those gone left out."""
    try:
        lists = [file.read_text() for file in Path(f"/proc/{process}/task").glob("*/children")]
    except OSError:  # it ended meanwhile
        return []
    below = " ".join(lists).split()
    return [process, *(one for child in below for one in family(int(child)))]


def cpu_seconds(process: int) -> float:
    """Processor seconds so far; of those that ended, what whoever waited for them was told."""
    ticks = 0
    for one in family(process):
        fields = read(one, "stat").rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime: proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def machine_seconds() -> float:
    """Processor seconds that all processes of this machine took so far."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = map(int, fields)  # proc(5)
    return (user + nice + system + sum(interrupts_and_stolen)) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    """Megabytes; pages that processes share are counted once (PSS)."""
    texts = [read(one, "smaps_rollup") for one in family(process)]
    found = [int(size) for text in texts for size in re.findall(r"(?m)^Pss:\s+(\d+)", text)]
    return sum(found) / 1024


def read(process: int, file: str) -> str:
    """A file of a process in /proc, empty if the process has ended."""
    try:
        return Path(f"/proc/{process}/{file}").read_text()
    except OSError:
        return ""
