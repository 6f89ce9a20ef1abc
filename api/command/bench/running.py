"""``faceapi bench``: figures, their limits and the machine, as a table or as JSON."""

import contextlib
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from api.command.bench.figures import Figure, markdown
from api.command.bench.line import open_line
from api.command.bench.machine import Machine, this_machine
from api.command.bench.measuring import MEASURES, Extent
from api.command.film import COLLINS, RATE, pictures, portrait
from api.command.progress import progress_bar
from api.settings.settings import Settings
from ingest.virtual.clip import write_clip
from pipeline.build import open_configured_pack
from pipeline.errors import BadInput

USUAL = ("decode", "detect", "embed", "line", "cameras", "latency", "search")
"""What is measured if nothing is named: ``memory`` wants many frames."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What is asked for; without a film it is the demo's, of whose people one is enrolled."""

    film: Path | None
    people: Path | None
    only: Sequence[str]
    extent: Extent
    json: bool


async def run_bench(asked: Bench, settings: Settings) -> None:
    """Measure, and say it; what was measured is told as it comes.

    Raises:
        BadInput: something of that name cannot be measured; of the film or the people.
        Misconfigured: of the pack.
    """
    for name in asked.only:
        if name not in MEASURES:
            raise BadInput(f"there is no measure {name!r}; allowed: {', '.join(MEASURES)}")
    notes = Console(stderr=True, soft_wrap=True, highlight=False)
    with progress_bar(notes) as progress:
        pack = open_configured_pack(settings.model, settings.faceapi.cache_dir, progress)
    figures: list[Figure] = []
    with _inputs(asked) as (film, people):
        line = await open_line(settings, pack, film, people, notes.print)
        machine = this_machine(line.engine.networks)
        with contextlib.closing(line.engine):
            for name in asked.only or USUAL:
                async for figure in MEASURES[name](line, asked.extent):
                    notes.print(_in_words(figure))
                    figures.append(figure)
    _conclude(machine, pack.manifest.id, line.engine.lanes.count, figures, as_json=asked.json)


@contextlib.contextmanager
def _inputs(asked: Bench) -> Iterator[tuple[Path, Path]]:
    """A film, and a folder of folders of photographs."""
    with tempfile.TemporaryDirectory() as folder:
        film, people = asked.film, asked.people
        if film is None:
            film = Path(folder) / "demo.mp4"
            write_clip(film, pictures(), RATE)
        if people is None:
            people = Path(folder) / "people"
            home = people / COLLINS
            home.mkdir(parents=True)
            (home / portrait(COLLINS).name).write_bytes(portrait(COLLINS).read_bytes())
        yield film, people


def _in_words(one: Figure) -> str:
    beside = "" if one.ratio is None else f", {one.ratio:.2f} times {one.beside}"
    return f"{one.name}: {one.value:.4g} {one.unit}{beside}"


def _conclude(
    machine: Machine, pack: str, lanes: int, figures: Sequence[Figure], *, as_json: bool
) -> None:
    if as_json:
        told = {
            "machine": dataclasses.asdict(machine),
            "pack": pack,
            "lanes": lanes,
            "figures": [dataclasses.asdict(one) | {"reached": one.reached} for one in figures],
        }
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return
    sys.stdout.write(f"{_named(machine)}; pack {pack}, {lanes} lanes.\n\n")
    sys.stdout.writelines(f"{line}\n" for line in markdown(figures))


def _named(machine: Machine) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.memory:g} GiB, {machine.system}, "
        f"load {machine.load:g} before it; {', '.join(machine.devices)}; {versions}"
    )
