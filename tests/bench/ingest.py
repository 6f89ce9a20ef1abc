"""What cameras cost before and beside their analysis, and how soon and how late they are.

    python -m tests.bench.ingest [--pack builtin] [--minutes 10] [PART ...]

``decoding``: processor time of a camera's pictures through our source beside a bare loop over PyAV
on the same stream; wanted: 1.15 at the most. ``opening``: 16 cameras at once, all good, and with 3
mute ones among them: until the last one streams. ``rest``: one camera, from capture to result.
``many``: 12 cameras at 12.5 frames a second. ``long``: 16 cameras of which two frames a second are
analysed, for minutes: each camera's delay, memory, lag of the loops. Without a name: all but
``long``. It wants FACEAPI_TEST_DATA.
"""

import argparse
import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import aclosing

import av
import httpx

from ingest.address import CameraUrl
from ingest.rtsp import RtspCamera
from ingest.virtual.camera import VirtualCamera
from pipeline.messages import CameraId
from tests.bench.cameras import delays, rates
from tests.bench.inputs import console
from tests.bench.loaded import Arrival, Load, film, loaded
from tests.bench.processes import resident
from tests.bench.service import quantile

_ROUNDS, _PICTURES = 3, 150
"""Of decoding: so often, so many pictures of 12.5 a second."""
_CAMERAS, _MUTE = 16, 3
_RATE = 12.5
_OPTIONS = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "probesize": "32",
    "analyzeduration": "0",
}


def bare(url: str, pictures: int) -> None:
    """What one writes first: FFmpeg's packets into its decoder, on one thread."""
    with av.open(url, options=_OPTIONS) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for count, _ in enumerate(container.decode(video=0), 1):
            if count == pictures:
                return


def ours(url: str, pictures: int) -> None:
    """The source as the service uses it, of which every picture is taken."""

    async def take() -> None:
        camera, count = RtspCamera(CameraUrl.parse(url), CameraId("bench")), 0
        async with aclosing(camera.frames()) as captures:
            async for capture in captures:
                del capture
                count += 1
                if count == pictures:
                    return

    asyncio.run(take())


def seconds(way: Callable[[str, int], None], url: str) -> float:
    """Processor milliseconds of this process a picture; the camera is another process."""
    began = time.process_time()
    way(url, _PICTURES)
    return 1000 * (time.process_time() - began) / _PICTURES


def decoding() -> None:
    """Print what a picture costs either way, in turn."""
    with film() as url:
        pairs = [(seconds(ours, url), seconds(bare, url)) for _ in range(_ROUNDS)]
    mine, plain = (statistics.median(one) for one in zip(*pairs, strict=True))
    console.print(
        f"decoding: {mine:.2f} ms of processor time a picture through the source, {plain:.2f} in a "
        f"bare loop: {mine / plain:.2f} times (wanted: 1.15 at the most)"
    )


async def opening(pack: str) -> None:
    """Print how long 16 cameras take that are added at once."""
    for mute in (0, _MUTE):
        async with VirtualCamera({}) as silent:
            silent.mute()
            beside = [silent.url("nothing").with_secrets] * mute
            async with loaded(pack, _CAMERAS - mute, beside) as load:
                await load.settled()
        console.print(
            f"opening: {_CAMERAS} cameras, {mute} of them mute: all others stream after "
            f"{max(load.streaming.values()):.1f} s (wanted: 4), and each has a result after "
            f"{max(load.firsts.values()):.1f} s"
        )


async def rest(pack: str) -> None:
    """Print how late the results of one camera are."""
    async with loaded(pack, 1) as load:
        await load.settled()
        arrivals = await load.during(20)
    console.print(f"rest: one camera, delay p50/p95/max {delays(arrivals)}")


async def many(pack: str) -> None:
    """Print what part of its frames the worst of 12 cameras gets."""
    cameras, period = 12, 20.0
    async with loaded(pack, cameras) as load:
        await load.settled()
        arrivals = await load.during(period)
    each = [*[0.0] * (cameras - len(rates(arrivals, period))), *rates(arrivals, period)]
    console.print(
        f"many: {cameras} cameras at {_RATE:g} a second: the worst gets {each[0]:.1f} "
        f"({100 * each[0] / _RATE:.0f} %, wanted: 90 %), delay p50/p95/max {delays(arrivals)}"
    )


async def long(pack: str, minutes: float) -> None:
    """Print, each minute, the worst camera's delay, memory, and how late the loops were."""
    async with loaded(pack, _CAMERAS, options={"analysed": 2}) as load, httpx.AsyncClient() as http:
        await load.settled()
        await load.during(60)
        before, memory = await scraped(http, load), resident(load.service.process.pid)
        began = time.monotonic()
        while time.monotonic() - began < 60 * minutes:
            arrivals = await load.during(60)
            after, now = await scraped(http, load), resident(load.service.process.pid)
            lag = quantile(before, after, "faceapi_loop_lag_seconds", 0.99)
            console.print(
                f"long: {time.monotonic() - began:4.0f} s: {len(arrivals) / 60:.1f} results/s, "
                f"worst camera's delay p95 {worst(arrivals):.2f} s, {now:.0f} MB "
                f"({100 * (now / memory - 1):+.1f} %), loop lag p99 <= {lag:.0f} ms"
            )
            load.arrivals.clear()
            before = after


async def scraped(http: httpx.AsyncClient, load: Load) -> str:
    """/metrics."""
    return (await http.get(f"{load.service.url}/metrics")).text


def worst(arrivals: Sequence[Arrival]) -> float:
    """The greatest of the cameras' 95th percentiles of delay, in seconds."""
    found = defaultdict[str, list[float]](list)
    for arrival in arrivals:
        found[arrival.message["camera"]].append(arrival.delay)
    return max(sorted(each)[int(0.95 * len(each))] for each in found.values())


def main() -> None:
    """Read the arguments, measure."""
    parts = ("decoding", "opening", "rest", "many", "long")
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--pack", default="builtin", help="a name, a manifest, or yunet")
    parser.add_argument("--minutes", type=float, default=10)
    args = parser.parse_args()
    if unknown := set(args.parts) - set(parts):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    asked = args.parts or parts[:-1]
    if "decoding" in asked:
        decoding()
    for name, measure in (("opening", opening), ("rest", rest), ("many", many)):
        if name in asked:
            asyncio.run(measure(args.pack))
    if "long" in asked:
        asyncio.run(long(args.pack, args.minutes))


if __name__ == "__main__":
    main()
