"""Faults in a row on the same cameras, for long: ``make soak``. Nothing may be left behind."""

import asyncio
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import httpx
import pytest

from api.command.film import COLLINS, portrait
from tests.bench.processes import family, read
from tests.system.ordeal import FAULTS, Outcome, Patient, Room, clips, listening, patients, suffer
from tests.system.service import Service, person

pytestmark = [pytest.mark.soak, pytest.mark.system]

ROUNDS = round(50 * float(os.environ.get("SOAK", "1")))
WARM = 8
"""Rounds after which all that is made once was made: each camera has had every fault."""
CAMERAS = ("North", "East", "South", "West")
MEMORY = 0.03
"""Part by which memory may grow from then on."""

_SAMPLES = 30


async def held(room: Room, client: httpx.AsyncClient) -> Mapping[str, int]:
    """What the service holds: threads, tasks of shards, sockets."""
    metrics = (await client.get(room.service.url + "/metrics")).text
    tasks = re.findall(r'^faceapi_shard_tasks\{shard="\d+"\} (\S+)', metrics, re.MULTILINE)
    assert tasks
    processes = own(room.service)
    return {
        "tasks": round(sum(map(float, tasks))),
        "threads": sum(map(threads, processes)),
        "sockets": sum(map(sockets, processes)),
    }


def own(service: Service) -> Sequence[int]:
    """The service's processes without the database beside it, which fills its cache."""
    return [one for one in family(service.process.pid) if "python" in read(one, "cmdline")]


def megabytes(service: Service) -> float:
    """What they hold; pages that they share are counted once."""
    text = "".join(read(one, "smaps_rollup") for one in own(service))
    return sum(map(int, re.findall(r"(?m)^Pss:\s+(\d+)", text))) / 1024


def threads(process: int) -> int:
    """How many a process has."""
    return len(list(Path(f"/proc/{process}/task").iterdir()))


def sockets(process: int) -> int:
    """How many a process has open."""
    links = (link(file) for file in Path(f"/proc/{process}/fd").iterdir())
    return sum(name.startswith("socket:") for name in links)


def link(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:  # it was closed meanwhile
        return ""


async def least(room: Room, client: httpx.AsyncClient) -> Mapping[str, int]:
    """The least of each that is held within some seconds: frames in flight are tasks, too."""
    samples = []
    for _ in range(_SAMPLES):
        samples.append(await held(room, client))
        await asyncio.sleep(0.5)
    return {what: min(sample[what] for sample in samples) for what in samples[0]}


async def one_round(watched: Mapping[str, Patient], number: int) -> list[Outcome]:
    """A fault on each camera, side by side, each another one."""
    names = list(FAULTS)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(suffer(one, FAULTS[names[(number + index) % len(names)]]))
            for index, one in enumerate(watched.values())
        ]
    return [task.result() for task in tasks]


async def test_faults_in_a_row_leave_nothing_behind(
    new_service: Callable[..., Service], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = new_service().start()
    with service.client() as signed_in:
        person(signed_in, COLLINS, portrait(COLLINS))
    room, outcomes = Room(service, clips(tmp_path)), list[Outcome]()
    async with (
        room.client() as client,
        listening(service, client) as listener,
        patients(listener, client, room.films, *CAMERAS) as watched,
    ):
        for number in range(WARM):
            await one_round(watched, number)
        before, memory = await least(room, client), megabytes(service)
        for number in range(ROUNDS):
            outcomes += await one_round(watched, number)
            listener.told.clear()
        after = await least(room, client)
        grown = megabytes(service)
    service.stop()
    truths, backs = ([getattr(one, what) for one in outcomes] for what in ("truth", "back"))
    with capsys.disabled():
        print(  # noqa: T201 - figures
            f" {len(outcomes)} faults on {len(CAMERAS)} cameras: told after"
            f" {median(truths):.1f} s (at most {max(truths):.1f}), names again"
            f" {median(backs):.1f} s after the end (at most {max(backs):.1f});"
            f" {memory:.0f} -> {grown:.0f} MB, {dict(before)} -> {dict(after)}"
        )
    assert len(outcomes) == ROUNDS * len(CAMERAS)
    assert all(after[one] <= before[one] for one in before)
    assert grown < (1 + MEMORY) * memory
    assert max(truths) < 5
