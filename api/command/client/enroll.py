"""``faceapi enroll``: photographs of a person, or a folder of folders, one a person."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from api.command.client.login import connected
from api.command.client.people import named
from api.command.client.service import Refused, Service
from pipeline.errors import BadInput

_AT_ONCE = 8
"""Photographs of one request."""
_BYTES = 32 << 20
"""Of one request, unless a single photograph is larger."""


@dataclass(frozen=True, slots=True)
class Task:
    """A person's photographs."""

    name: str
    photographs: Sequence[Path]


def enroll(
    name: Annotated[str, typer.Argument(help="Name of the person, or a folder of folders.")],
    files: Annotated[list[Path] | None, typer.Argument(help="Her photographs.")] = None,
) -> None:
    """Enroll photographs of a person, or a folder in which each person has a folder."""
    tasks = [Task(name, files)] if files else list(_tasks(Path(name)))
    console, refused = Console(stderr=True, soft_wrap=True, highlight=False), 0
    with connected() as service, Progress(console=console, transient=True) as bar:
        counter = bar.add_task("enrolling", total=sum(len(task.photographs) for task in tasks))
        for task in tasks:
            for verdict in _enrolled(service, task):
                bar.advance(counter)
                if verdict["outcome"] == "refused":
                    refused += 1
                    bar.console.print(f"{task.name}/{verdict['file']}: {verdict['reason']}")
    done = sum(len(task.photographs) for task in tasks) - refused
    typer.echo(f"{done} enrolled, {refused} refused")
    if refused:
        raise typer.Exit(1)


def _tasks(folder: Path) -> Iterator[Task]:
    """The folders in a folder; hidden things don't count.

    Raises:
        BadInput: there is no such folder, or nobody in it.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder}: no such folder; faceapi enroll NAME FILES..., or a folder")
    homes = [one for one in sorted(folder.iterdir()) if one.is_dir() and one.name[0] != "."]
    if not homes:
        raise BadInput(f"{folder}: no folders in it; expected one for each person")
    for home in homes:
        files = [one for one in sorted(home.iterdir()) if one.is_file() and one.name[0] != "."]
        yield Task(home.name, files)


def _enrolled(service: Service, task: Task) -> Iterator[Mapping[str, Any]]:
    """Verdicts; a person who was made for it and has no face at the end is removed again."""
    missing = [one for one in task.photographs if not one.is_file()]
    if missing:
        raise BadInput(f"{missing[0]}: no such file")
    same = named(service, task.name)
    if len(same) > 1:
        raise Refused(f"{len(same)} people are called {task.name!r}: rename one of them first")
    person = same[0] if same else service.post("/people", {"name": task.name})
    taken = bool(same)
    try:
        for batch in _batches(task.photographs):
            for verdict in service.upload(f"/people/{person['id']}/faces", batch)["verdicts"]:
                taken = taken or verdict["outcome"] == "enrolled"
                yield verdict
    finally:
        if not taken:
            service.delete(f"/people/{person['id']}")


def _batches(photographs: Sequence[Path]) -> Iterator[Sequence[Path]]:
    batch: list[Path] = []
    size = 0
    for one in photographs:
        length = one.stat().st_size
        if batch and (len(batch) == _AT_ONCE or size + length > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += length
    if batch:
        yield batch
