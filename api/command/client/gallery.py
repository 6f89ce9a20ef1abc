"""``faceapi gallery``: whether the index holds what the database holds."""

import json

import typer

from api.command.client.login import connected

app = typer.Typer(help="The gallery's index.", no_args_is_help=True)


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
