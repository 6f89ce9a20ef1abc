"""How long a killed shard's cameras give no results.

    python -m tests.bench.killed [--pack builtin] [--cameras 8] [--kills 5]

All cameras of the one shard that a small machine has, killed with SIGKILL: the worst case. The time
runs from the signal to the arrival of each camera's next result; up to one key picture interval of
the stream is in it. It wants FACEAPI_TEST_DATA.
"""

import argparse
import asyncio
import os
import signal
import statistics
import time
from collections.abc import Sequence

from tests.bench.inputs import console
from tests.bench.loaded import Load, loaded


async def outage(load: Load) -> Sequence[float]:
    """Kill the shard; seconds until each camera gave a result again."""
    with load.service.client() as client:
        (shard,) = client.get("/shards").json()["items"]
    os.kill(shard["pid"], signal.SIGKILL)
    killed = time.time()
    await asyncio.sleep(0.2)  # what was on its way has come
    before, back = len(load.arrivals), dict[str, float]()
    while len(back) < load.cameras:
        await asyncio.sleep(0.01)
        for arrival in load.arrivals[before:]:
            back.setdefault(arrival.message["camera"], arrival.at - killed)
    return sorted(back.values())


async def measure(args: argparse.Namespace) -> None:
    """Print the outages, kill by kill."""
    async with loaded(args.pack, args.cameras) as load:
        await load.settled()
        outages = list[float]()
        for _ in range(args.kills):
            times = await outage(load)
            outages += times
            console.print(
                f"killed: first camera back after {times[0]:.1f} s, last {times[-1]:.1f} s"
            )
            await asyncio.sleep(5)
    console.print(
        f"{args.pack}, {args.cameras} cameras, {args.kills} kills: back after "
        f"{statistics.median(outages):.1f} s (median), {max(outages):.1f} s (worst)",
        style="bold",
    )


def main() -> None:
    """Read the arguments, measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pack", default="builtin")
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--kills", type=int, default=5)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
