"""``faceapi gallery reembed``: another model pack for everyone who is enrolled."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from api.command.client.login import connected
from api.command.client.output import AsJson
from api.command.client.service import Service

_PERIOD = 1.0
"""Seconds between two looks."""
_PATH = "/gallery/reembedding"

Pack = Annotated[
    str | None,
    typer.Option("--pack", help="A shipped pack; else the one that is configured (MODEL_PACK)."),
]
LeaveBehind = Annotated[
    bool, typer.Option("--leave-behind", help="Also if somebody is not recognized after it.")
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Show the progress to the end.")]
Cancel = Annotated[bool, typer.Option("--cancel", help="Give the change up.")]


def reembed(
    pack: Pack = None,
    leave_behind: LeaveBehind = False,
    wait: Wait = True,
    cancel: Cancel = False,
) -> None:
    """Name people by another model pack: templates are made anew, in the background."""
    with connected() as service:
        if cancel:
            service.delete(_PATH)
            typer.echo("given up: people are named as before")
            return
        begun = service.post(_PATH, {"pack": pack, "leave_behind": leave_behind})
        _show(_followed(service, begun) if wait else begun)


def reembedding(
    leave_behind: LeaveBehind = False, wait: Wait = False, as_json: AsJson = False
) -> None:
    """How far the latest change of the pack is, and which faces it could not use."""
    with connected() as service:
        if leave_behind:
            service.patch(_PATH, {"leave_behind": True})
        found = service.get(_PATH)
        found = _followed(service, found) if wait else found
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        _show(found)


def _followed(service: Service, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The change when it is over, or waits for a person; its progress until then."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"changing to {found['pack']}", total=None)
        while found["stage"] != "done" and not (found["left"] == 0 and found["waits_for"]):
            bar.update(task, completed=found["faces"] - found["left"], total=found["faces"])
            time.sleep(_PERIOD)
            found = service.get(_PATH)
    return found


def _show(found: Mapping[str, Any]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for line in _in_words(found):
        console.print(Text(line))


def _in_words(found: Mapping[str, Any]) -> Iterator[str]:
    """A change as a person reads it."""
    yield (
        f"{found['pack']}: {found['stage']}, {found['embedded']} of {found['faces']} faces, "
        f"{len(found['refused'])} refused"
    )
    if found["waits_for"]:
        yield f"it waits: {found['waits_for']}"
    for one in found["refused"]:
        anew = ", to be enrolled anew" if one["lost"] else ""
        yield f"{one['name']}{anew}: {one['reason']} (person {one['person']}, face {one['face']})"
