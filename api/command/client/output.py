"""What a command shows: a table for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def show(items: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """One line an item."""
    if as_json:
        typer.echo(json.dumps(items, indent=2))
        return
    table = Table(*columns)
    for item in items:
        table.add_row(*(str(item[column]) for column in columns))
    Console().print(table)
