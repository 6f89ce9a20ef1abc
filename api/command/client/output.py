"""What a command shows: a table for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def rate(counted: Mapping[str, Any]) -> str:
    """A rate with its counts and its 95 % interval, in percent."""
    if counted["rate"] is None:
        return "- (0 tried)"
    low, high = percent(counted["low"]), percent(counted["high"])
    counts = f"{counted['events']} of {counted['trials']}"
    return f"{percent(counted['rate'])} ({counts}; {low} to {high})"


def percent(part: float) -> str:
    """A part of 1 in percent, by three digits."""
    return f"{100 * part:.3g} %"


def show(
    items: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool = False
) -> None:
    """One line an item."""
    if as_json:
        typer.echo(json.dumps(items, indent=2))
        return
    table = Table(*columns)
    for item in items:
        table.add_row(*(str(item[column]) for column in columns))
    Console().print(table)
