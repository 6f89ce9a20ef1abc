"""``faceapi people``: the people of the gallery."""

import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from api.command.client.login import connected
from api.command.client.output import AsJson, Yes, show
from api.command.client.service import Refused, Service

app = typer.Typer(help="The people of the gallery.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="Name or id.")]
Face = Annotated[str, typer.Argument(help="Id of the face, as `faceapi people show` has it.")]
_COLUMNS = ("name", "faces", "ignored", "id")


@app.command("list")
def list_(
    query: Annotated[str, typer.Option("--query", help="Part of the name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Everyone, by name."""
    with connected() as service:
        show(list(service.pages("/people", query=query)), _COLUMNS, as_json=as_json)


@app.command("show")
def show_one(who: Who, as_json: AsJson = False) -> None:
    """A person's faces."""
    with connected() as service:
        person = found(service, who)
        faces = service.get(f"/people/{person['id']}/faces")["items"]
    show(faces, ("id", "pack", "created_at", "set_aside"), as_json=as_json)


@app.command()
def add(name: Annotated[str, typer.Argument(help="What the person is called.")]) -> None:
    """Make a person without a face."""
    with connected() as service:
        typer.echo(service.post("/people", {"name": name})["id"])


@app.command()
def rename(who: Who, name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Give a person another name."""
    with connected() as service:
        service.patch(f"/people/{found(service, who)['id']}", {"name": name})


@app.command()
def delete(who: Who, yes: Yes = False) -> None:
    """Delete a person with all faces."""
    with connected() as service:
        person = found(service, who)
        if not yes:
            typer.confirm(f"Delete {person['name']} with {person['faces']} faces?", abort=True)
        service.delete(f"/people/{person['id']}")


@app.command()
def ignore(who: Who) -> None:
    """Never tell a person by name: her faces are told as ignored."""
    with connected() as service:
        service.patch(f"/people/{found(service, who)['id']}", {"ignored": True})


@app.command("stop-ignoring")
def stop_ignoring(who: Who) -> None:
    """Tell a person again who was ignored."""
    with connected() as service:
        service.patch(f"/people/{found(service, who)['id']}", {"ignored": False})


@app.command("set-aside")
def set_aside(who: Who, face: Face) -> None:
    """Recognize nobody by one of a person's faces any more; it is kept."""
    _change(who, face, aside=True)


@app.command("take-back")
def take_back(who: Who, face: Face) -> None:
    """Recognize a person again by a face that was set aside."""
    _change(who, face, aside=False)


@app.command("not-her")
def not_her(
    who: Who,
    photograph: Annotated[Path, typer.Argument(help="Of somebody who was taken for this person.")],
) -> None:
    """Say that the face of a photograph is not this person's: a counter-example."""
    if not photograph.is_file():
        raise Refused(f"{photograph}: no such file")
    with connected() as service:
        person = found(service, who)
        face = service.upload(f"/people/{person['id']}/counterexamples", [photograph], "image")
        typer.echo(face["id"])


def _change(who: str, face: str, *, aside: bool) -> None:
    if not _is_id(face):
        raise Refused(f"{face!r} is no face's id: `faceapi people show` has them")
    with connected() as service:
        person = found(service, who)
        service.patch(f"/people/{person['id']}/faces/{face}", {"set_aside": aside})


def found(service: Service, who: str) -> Any:  # noqa: ANN401 - JSON
    """The one person of this id or name.

    Raises:
        Refused: there is none, or several of this name.
    """
    if _is_id(who):
        return service.get(f"/people/{who}")
    same = named(service, who)
    if len(same) != 1:
        ids = ", ".join(person["id"] for person in same)
        raise Refused(
            f"{len(same)} people are called {who!r}{': name one by id, ' if ids else ''}{ids}"
        )
    return same[0]


def named(service: Service, name: str) -> list[Any]:
    """Everyone of exactly this name."""
    return [one for one in service.pages("/people", query=name) if one["name"] == name]


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
