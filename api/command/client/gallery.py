"""``faceapi gallery``: what it holds, whether its index does, and how it does by itself."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from api.command.client.login import connected
from api.command.client.output import AsJson, percent, rate
from api.command.client.reembedding import reembed, reembedding

app = typer.Typer(help="The gallery: its index, and how good it is.", no_args_is_help=True)
app.command()(reembed)
app.command()(reembedding)

Allowed = Annotated[
    float,
    typer.Option("--false-match-rate", help="Rate to suggest a threshold for, 1e-6 to 0.5."),
]


@app.command("show")
def show_() -> None:
    """How large it is, and what its similarities mean."""
    with connected() as service:
        typer.echo(json.dumps(service.get("/gallery"), indent=2))


@app.command()
def rebuild() -> None:
    """Make the index anew from the database."""
    with connected() as service:
        made = service.post("/gallery/rebuild")
    typer.echo(f"{made['faces']} faces in {made['seconds']:.1f} s")


@app.command()
def verify() -> None:
    """Compare the index with the database, face by face."""
    with connected() as service:
        found = service.post("/gallery/verify")
    for kind in ("missing", "surplus"):
        for face in found[kind]:
            typer.echo(f"{kind} {face}")
    typer.echo("well" if found["well"] else "not well: faceapi gallery rebuild")
    raise typer.Exit(not found["well"])


@app.command()
def check(allowed: Allowed = 0.001, as_json: AsJson = False) -> None:
    """Compare every face with every other: odd photographs, likely mistakes, a threshold."""
    with connected() as service:
        answer = service.post(f"/gallery/check?false_match_rate={allowed}")
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    console = Console(soft_wrap=True, highlight=False)
    for line in _in_words(answer["found"], answer["names"]):
        console.print(Text(line))


def _in_words(found: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    """A check as a person reads it."""
    at, searches = found["comparisons"], found["searches"]
    yield f"{found['people']} people, {found['faces']} faces, threshold {at['threshold']:g}"
    yield f"false matches of two photographs (FMR): {rate(at['fmr'])}"
    yield f"false non-matches of two photographs (FNMR): {rate(at['fnmr'])}"
    yield f"strangers who would be named (FPIR): {rate(searches['fpir'])}"
    yield f"enrolled who would be missed (FNIR): {rate(searches['fnir'])}"
    yield from _limits(found, names)
    for one in found["missed"]:
        who = names.get(one["person"], one["person"])
        yield f"{who}: {one['missed']} of {one['faces']} photographs would be missed"
    for face in found["doubtful"]:
        yield _doubt(face, names)
    if len(found["doubtful"]) < found["doubtful_faces"]:
        yield f"... of {found['doubtful_faces']} such photographs"


def _limits(found: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    """How near strangers come, and where a threshold would keep them out."""
    nearest, ceiling, suggestion = (found[key] for key in ("nearest", "ceiling", "suggestion"))
    if nearest is None:
        yield "there are no two people to compare"
        return
    pair = (nearest["person"], nearest["other"]["person"])
    one, other = (names.get(person, person) for person in pair)
    yield f"nearest two people: {one} and {other}, {nearest['other']['similarity']:.4f}"
    yield (
        f"strangers come as near as {ceiling['highest']:.4f}; "
        f"95 % not nearer than {ceiling['most']:.4f}, half not than {ceiling['median']:.4f}"
    )
    yield (
        f"threshold for a false match rate of {percent(suggestion['allowed'])}: "
        f"{suggestion['threshold']:.4f} (FMR {rate(suggestion['fmr'])})"
    )
    if not suggestion["enough"]:
        yield f"  too few comparisons to show so low a rate: {suggestion['wanted']} are wanted"


def _doubt(face: Mapping[str, Any], names: Mapping[str, str]) -> str:
    who, own, other = names.get(face["person"], face["person"]), face["own"], face["other"]
    beside = [
        f"{label} {one['similarity']:.4f}"
        for label, one in (
            ("own", own),
            (names.get(other["person"], other["person"]) if other else "", other),
        )
        if one is not None
    ]
    reasons = ", ".join([*face["doubts"], *beside])
    return f"{who}: {reasons}: faceapi people set-aside {face['person']} {face['face']}"
