"""How many cameras a running service holds.

    python -m tests.bench.cameras [--pack builtin] [--seconds 20] [COUNT ...]

Each count is a fresh ``faceapi serve`` in a fresh data folder, with so many virtual cameras of 12.5
frames a second. Camera and listener are programs of their own on the same cores, and their part is
in no figure: compare runs, not machines. It wants FACEAPI_TEST_DATA.
"""

import argparse
import asyncio
import os
import statistics
from collections import Counter
from collections.abc import Sequence

from tests.bench.inputs import console
from tests.bench.loaded import Arrival, loaded
from tests.bench.processes import cpu_seconds, family, machine_seconds, resident

_HELD = 0.95
"""Part of its frames that the worst camera must get, for all to count as held."""
_RATE = 12.5
"""Frames a second of each camera."""


def rates(arrivals: Sequence[Arrival], seconds: float) -> Sequence[float]:
    """Results a second of each camera that gave any, the worst first."""
    counted = Counter(arrival.message["camera"] for arrival in arrivals)
    return sorted(count / seconds for count in counted.values())


def names(arrivals: Sequence[Arrival]) -> str:
    """How often each name was given, or what stood in place of one."""
    faces = [face for arrival in arrivals for face in arrival.message["faces"]]
    counted = Counter(str(face["name"] or face["status"]) for face in faces)
    return ", ".join(f"{name} {count}" for name, count in counted.most_common())


def delays(arrivals: Sequence[Arrival]) -> str:
    """Median, 95th percentile and longest delay."""
    found = sorted(1000 * arrival.delay for arrival in arrivals)
    return f"{found[len(found) // 2]:.0f}/{found[int(0.95 * len(found))]:.0f}/{found[-1]:.0f} ms"


def seconds_of_others() -> float:
    """Processor seconds so far of all that is neither service nor camera nor listener."""
    return machine_seconds() - cpu_seconds(os.getpid())


async def measure(pack: str, cameras: int, seconds: float) -> bool:
    """Print what the service does with so many cameras; whether it holds them."""
    async with loaded(pack, cameras) as load:
        try:
            await load.settled()
        except TimeoutError:
            console.print(f"{cameras} cameras: only {len(load.firsts)} ever gave a result")
            return False
        program = load.service.process.pid
        before, others = cpu_seconds(program), seconds_of_others()
        arrivals = await load.during(seconds)
        used, others = cpu_seconds(program) - before, seconds_of_others() - others
        memory, processes = resident(program), len(family(program))
    each = [*[0.0] * (cameras - len(rates(arrivals, seconds))), *rates(arrivals, seconds)]
    console.print(
        f"{cameras} cameras: open after {max(load.firsts.values()):.1f} s, "
        f"{sum(each):.1f} results/s, a camera {each[0]:.1f} (worst) {statistics.median(each):.1f} "
        f"(median), delay p50/p95/max {delays(arrivals)}, "
        f"CPU {1000 * used / len(arrivals):.1f} ms a frame, "
        f"{memory:.0f} MB in {processes} processes; others kept {max(0.0, others / seconds):.1f} "
        f"cores busy\n  {names(arrivals)}"
    )
    return each[0] >= _HELD * _RATE


async def measure_all(pack: str, counts: Sequence[int], seconds: float) -> None:
    """One count after the other, and which of them were held."""
    held = [count for count in counts if await measure(pack, count, seconds)]
    said = ", ".join(map(str, held)) or "none"
    console.print(f"{pack}: of {', '.join(map(str, counts))} cameras held: {said}", style="bold")


def main() -> None:
    """Read the arguments, measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("counts", type=int, nargs="*", default=[1, 10, 16])
    parser.add_argument("--pack", default="builtin", help="a name, a manifest, or yunet")
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    asyncio.run(measure_all(args.pack, args.counts, args.seconds))


if __name__ == "__main__":
    main()
