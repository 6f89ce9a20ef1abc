"""On which machine figures were measured: without that they say nothing."""

import contextlib
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.inference import Placed, cores

_PACKAGES = ("faceapi", "onnxruntime", "onnxruntime-gpu", "numpy", "av", "opencv-python-headless")


@dataclass(frozen=True, slots=True)
class Machine:
    """``cores`` are those this process may use, ``memory`` is in GiB, ``load`` is that of others.

    ``load`` is the mean number of processes that computed in the minute before; figures of a
    machine that was not idle are worth less.
    """

    processor: str
    cores: int
    memory: float
    system: str
    load: float
    devices: Sequence[str]
    versions: Mapping[str, str]


def this_machine(networks: Mapping[str, Placed]) -> Machine:
    """The machine, and where these networks run."""
    return Machine(
        processor=_processor(),
        cores=cores(),
        memory=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=platform.platform(terse=True),
        load=round(os.getloadavg()[0], 2),
        devices=sorted({f"{network.device} ({network.used})" for network in networks.values()}),
        versions={"python": platform.python_version(), **_versions()},
    )


def _processor() -> str:
    found = re.search(r"(?m)^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"))
    return found[1].strip() if found else platform.machine()


def _versions() -> dict[str, str]:
    """Of what is installed: ONNX Runtime comes in two packages."""
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
