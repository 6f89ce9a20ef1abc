"""``faceapi users``: who may sign in."""

import os
from typing import Annotated

import typer

from api.command.client.login import connected
from api.command.client.output import AsJson, Yes, show
from api.command.client.service import Refused, Service
from api.store.messages import Role

app = typer.Typer(help="Who may sign in.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the user.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Everyone, by name."""
    with connected() as service:
        show(service.get("/users")["items"], ("name", "role", "created_at", "id"), as_json=as_json)


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="A viewer sees; an administrator changes.")] = (
        Role.VIEWER
    ),
) -> None:
    """Let somebody sign in; the password is asked for, or taken from FACEAPI_NEW_PASSWORD."""
    with connected() as service:
        service.post("/users", {"name": name, "password": _new_password(), "role": role})


@app.command()
def role(name: Name, role: Annotated[Role, typer.Argument(help="What she may do.")]) -> None:
    """Let somebody do more or less; it takes effect at once."""
    with connected() as service:
        service.patch(f"/users/{_id(service, name)}", {"role": role})


@app.command()
def delete(name: Name, yes: Yes = False) -> None:
    """Let somebody sign in no more."""
    with connected() as service:
        user = _id(service, name)
        if not yes:
            typer.confirm(f"Delete user {name}?", abort=True)
        service.delete(f"/users/{user}")


@app.command()
def password() -> None:
    """Change one's own password."""
    current = os.environ.get("FACEAPI_PASSWORD") or typer.prompt("Current one", hide_input=True)
    with connected() as service:
        service.put("/users/me/password", {"current": current, "new": _new_password()})


def _id(service: Service, name: str) -> str:
    ids = [one["id"] for one in service.get("/users")["items"] if one["name"] == name]
    if not ids:
        raise Refused(f"there is no user {name!r}")
    return str(ids[0])


def _new_password() -> str:
    given = os.environ.get("FACEAPI_NEW_PASSWORD")
    return given or str(typer.prompt("New password", hide_input=True, confirmation_prompt=True))
