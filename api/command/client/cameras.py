"""``faceapi cameras``: what is watched."""

import base64
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api.command.client import camera_options as given
from api.command.client import camera_streams as further
from api.command.client.login import connected
from api.command.client.output import AsJson, Yes, show
from api.command.client.service import Refused, Service

app = typer.Typer(help="The cameras that are watched.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(help="Name or id.")]
Address = Annotated[
    str,
    typer.Argument(
        help="rtsp://user:password@host/path, or whip: (it publishes); - reads from standard input."
    ),
]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Every camera with its state, and the shard that watches it."""
    with connected() as service:
        cameras, shards = service.get("/cameras")["items"], service.get("/shards")["items"]
    watching = {camera: shard["id"] for shard in shards for camera in shard["cameras"]}
    items = [{**camera, "shard": watching.get(camera["id"], "")} for camera in cameras]
    show(items, ("name", "state", "reason", "url", "shard", "id"), as_json=as_json)


@app.command()
def check(
    url: Address,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Write the first picture here, a JPEG.")
    ] = None,
    transport: given.Transport = None,
    as_json: AsJson = False,
) -> None:
    """Try an address without keeping it: what can be seen there."""
    options = {} if transport is None else {"transport": transport}
    with connected() as service:
        seen = service.post("/cameras/check", {"url": _given(url), "options": options})
    jpeg = base64.b64decode(seen.pop("picture"))
    if picture is not None:
        picture.write_bytes(jpeg)
    if as_json:
        typer.echo(json.dumps(seen, indent=2))
    else:
        show([{name: "-" if value is None else value for name, value in seen.items()}], list(seen))


@app.command()
def add(  # noqa: PLR0913, PLR0917 - each is an option of the command
    name: Annotated[str, typer.Argument(help="Its name.")],
    url: Address,
    transport: given.Transport = None,
    connect_timeout: given.ConnectTimeout = None,
    read_timeout: given.ReadTimeout = None,
    decoder: given.Decoder = None,
    rate: given.Rate = None,
    region: given.Region = None,
    mask: given.Mask = None,
    view: further.View = None,
    detail: further.Detail = None,
) -> None:
    """Watch a camera from now on."""
    options = given.options(transport, connect_timeout, read_timeout, decoder, rate, region, mask)
    body = {
        "name": name,
        "url": _given(url),
        "options": given.without_defaults(options),
        "streams": _further(view, detail),
    }
    with connected() as service:
        typer.echo(service.post("/cameras", body)["id"])


@app.command()
def change(  # noqa: PLR0913, PLR0917 - each is an option of the command
    which: Which,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Another address; - as above.")] = None,
    transport: given.Transport = None,
    connect_timeout: given.ConnectTimeout = None,
    read_timeout: given.ReadTimeout = None,
    decoder: given.Decoder = None,
    rate: given.Rate = None,
    region: given.Region = None,
    mask: given.Mask = None,
    view: further.View = None,
    detail: further.Detail = None,
    force: Annotated[
        bool, typer.Option("--force", help="Take the change although nothing is seen by it.")
    ] = False,
) -> None:
    """Change a camera while it runs; another address only if a picture comes from there.

    An option that is ``default`` is as at first.
    """
    options = given.options(transport, connect_timeout, read_timeout, decoder, rate, region, mask)
    body = {
        "name": name,
        "url": None if url is None else _given(url),
        "options": options or None,
        "streams": _further(view, detail) or None,
        "force": force or None,
    }
    with connected() as service:
        _patch(service, which, {key: value for key, value in body.items() if value is not None})


@app.command()
def key(which: Which) -> None:
    """Make a key by which a camera of the address whip: is published to; shown only now."""
    with connected() as service:
        camera = _found(service, which)["id"]
        typer.echo(service.post(f"/cameras/{camera}/publishing-key", {})["key"])


@app.command()
def enable(which: Which) -> None:
    """Watch a camera again."""
    with connected() as service:
        _patch(service, which, {"enabled": True})


@app.command()
def disable(which: Which) -> None:
    """Watch a camera no more, but keep it."""
    with connected() as service:
        _patch(service, which, {"enabled": False})


@app.command()
def delete(which: Which, yes: Yes = False) -> None:
    """Forget a camera."""
    with connected() as service:
        camera = _found(service, which)
        if not yes:
            typer.confirm(f"Delete camera {camera['name']}?", abort=True)
        service.delete(f"/cameras/{camera['id']}")


def _patch(service: Service, which: str, body: dict[str, Any]) -> None:
    service.patch(f"/cameras/{_found(service, which)['id']}", body)


def _found(service: Service, which: str) -> Any:  # noqa: ANN401 - JSON
    for camera in service.get("/cameras")["items"]:
        if which in {camera["id"], camera["name"]}:
            return camera
    raise Refused(f"there is no camera {which!r}")


def _further(*urls: str | None) -> dict[str, str | None]:
    return further.streams(*(None if url is None else _given(url) for url in urls))


def _given(url: str) -> str:
    """An address; what stands on a command line, others on the machine can read."""
    return sys.stdin.readline().strip() if url == "-" else url
