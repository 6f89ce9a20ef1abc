"""``faceapi login``: an address and a token, kept for the commands that follow."""

import json
import os
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from api.command.client.service import PREFIX, Login, Service
from pipeline.errors import Misconfigured

_HERE = "http://127.0.0.1:8000"


def saved_login() -> Login:
    """The login in force: FACEAPI_URL and FACEAPI_TOKEN, else what was saved.

    Raises:
        Misconfigured: nobody has signed in.
    """
    url, token = os.environ.get("FACEAPI_URL"), os.environ.get("FACEAPI_TOKEN")
    if url and token:
        return Login(_with_prefix(url), token)
    try:
        saved = json.loads(_file().read_text("utf-8"))
        return Login(str(saved["url"]), str(saved["token"]))
    except FileNotFoundError:
        raise Misconfigured("sign in first: `faceapi login`") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise Misconfigured(f"{_file()} cannot be read; sign in again: `faceapi login`") from None


def connected() -> Service:
    """The service that one is signed in to.

    Raises:
        Misconfigured: nobody has signed in.
    """
    return Service(saved_login())


def login(
    url: Annotated[str, typer.Argument(help="Address of the service.")] = _HERE,
    user: Annotated[str, typer.Option("--user", help="Who signs in.")] = "admin",
) -> None:
    """Sign in to a service; the password is asked for, or taken from FACEAPI_PASSWORD."""
    password = os.environ.get("FACEAPI_PASSWORD") or typer.prompt("Password", hide_input=True)
    address = _with_prefix(url)
    with Service(Login(address, "")) as service:
        token = service.sign_in(user, password)
    _save(Login(address, token))
    typer.echo(f"signed in to {url} as {user}")


def logout() -> None:
    """Forget the saved login."""
    _file().unlink(missing_ok=True)


def _with_prefix(url: str) -> str:
    """The API's address; one that has a path of its own is taken as it is."""
    plain = url.rstrip("/")
    return plain if plain.count("/") > len(("http:", "")) else f"{plain}{PREFIX}"


def _file() -> Path:
    return platformdirs.user_config_path("faceapi") / "login.json"


def _save(login: Login) -> None:
    """For nobody else's eyes, and all of it or nothing."""
    file = _file()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        begun = file.with_suffix(".new")
        begun.unlink(missing_ok=True)
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            json.dump({"url": login.url, "token": login.token}, stream)
        begun.rename(file)
    except OSError as error:
        raise Misconfigured(f"{file} cannot be written: {error.strerror}") from None
