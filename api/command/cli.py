"""The command ``faceapi``; each command loads what it needs, so that small ones answer at once."""

import asyncio
import contextlib
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from api.command.client import cameras, gallery, people, users
from api.command.client.enroll import enroll
from api.command.client.login import login, logout
from api.command.client.shards import shards
from api.settings.settings import Settings, load_settings
from pipeline.errors import BadInput, FaceapiError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="The model packs: what is here, fetch it, check it.")
app.add_typer(models_app, name="models", no_args_is_help=True)
app.add_typer(people.app, name="people")
app.add_typer(cameras.app, name="cameras")
app.add_typer(users.app, name="users")
app.add_typer(gallery.app, name="gallery")
app.command()(shards)
app.command()(enroll)
app.command()(login)
app.command()(logout)

_TALKATIVE = ("uvicorn", "websockets", "python_multipart", "httpx", "httpcore", "PIL")
"""At level debug they would log what travels: names of people, tickets, forms with passwords."""

Config = Annotated[
    Path | None, typer.Option("--config", help="YAML file over the shipped settings.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting, as detect.max_side=800."),
]
PackOption = Annotated[
    str | None, typer.Option("--pack", help="Model pack: a name or a manifest (model.pack).")
]
Host = Annotated[str | None, typer.Option("--host", help="Address to listen on (backend.host).")]
Port = Annotated[int | None, typer.Option("--port", help="TCP port (backend.port).")]
LogLevel = Annotated[
    str | None, typer.Option("--log-level", help="debug, info, warning or error (log.level).")
]
Reload = Annotated[bool, typer.Option("--reload", help="Begin anew when the code changes.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON line a frame, then a summary.")]
Keys = Annotated[
    Path | None, typer.Option("--keys", help="Folder of the backup's keys; else FOLDER-keys.")
]
Seconds = Annotated[float | None, typer.Option("--max-seconds", min=0, help="Stop after so long.")]


@app.callback(invoke_without_command=True)
def without_command(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    config: Config = None,
    log_level: LogLevel = None,
    reload: Reload = False,
) -> None:
    """Who is on which camera now? Without a command: serve."""
    if context.invoked_subcommand is None:
        serve(host, port, config, log_level, reload)


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    config: Config = None,
    log_level: LogLevel = None,
    reload: Reload = False,
    set_: Overrides = None,
) -> None:
    """Run the service: cameras, people, names on live video in a browser."""
    from api.command.serving import run_reloading, run_service

    if reload:
        run_reloading()
        return
    run_service(_settings(config, [*(set_ or []), *_listening(host, port, log_level)]))


@app.command()
def demo(
    host: Host = None,
    port: Port = None,
    config: Config = None,
    log_level: LogLevel = None,
    set_: Overrides = None,
) -> None:
    """Run the service with a camera of our own: two public portraits, of whom one is enrolled."""
    from api.command.demo import run_demo

    overrides = [*(set_ or []), *_listening(host, port, log_level)]
    asyncio.run(run_demo(_settings(config, overrides)))


@app.command()
def watch(  # noqa: PLR0913, PLR0917 - the command's own options
    source: Annotated[str, typer.Argument(help="A video file, or an rtsp:// address.")],
    gallery: Annotated[
        Path, typer.Option("--gallery", help="Folder of folders of photographs, one a person.")
    ],
    json: Json = False,
    pack: PackOption = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Play a file at its own pace, like a camera.")
    ] = False,
    max_seconds: Seconds = None,
    config: Config = None,
    set_: Overrides = None,
) -> None:
    """Name the people in a video or on a camera."""
    from api.command.watching import Watch, run_watch

    settings = _settings(config, set_, pack)
    asked = Watch(source, gallery, json=json, realtime=realtime, seconds=max_seconds)
    asyncio.run(run_watch(asked, settings))


@app.command()
def evaluate(  # noqa: PLR0913, PLR0917 - the command's own options
    people: Annotated[
        Path | None,
        typer.Option("--people", help="Folder of folders of photographs, one a person."),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option("--pairs", help="CSV: file_x, file_y, decision (Yes or No).")
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of the photographs of --pairs.")
    ] = None,
    clips: Annotated[
        Path | None, typer.Option("--clips", help="JSON: who is on the films beside it, and where.")
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option("--gallery", help="More people to enroll for --clips.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option("--plots", help="Folder for ROC and DET as PNG.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
    pack: PackOption = None,
    config: Config = None,
    set_: Overrides = None,
) -> None:
    """Say how often names are wrong, on photographs or films of your own."""
    from api.command.evaluation.running import Evaluation, run_evaluation

    settings = _settings(config, set_, pack)
    asked = Evaluation(people, pairs, images, clips, gallery, json=json, plots=plots)
    asyncio.run(run_evaluation(asked, settings))


@app.command()
def bench(  # noqa: PLR0913, PLR0917 - the command's own options
    film: Annotated[
        Path | None, typer.Argument(help="A video file with faces; else the demo's.")
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option("--people", help="Folder of folders of photographs, one a person."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="One measure; again for more."),
    ] = None,
    frames: Annotated[int, typer.Option("--frames", min=50, help="Frames of a round.")] = 300,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds; medians count.")] = 3,
    json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
    pack: PackOption = None,
    config: Config = None,
    set_: Overrides = None,
) -> None:
    """Say how fast it is on this machine, each figure beside what is possible on it."""
    from api.command.bench.measuring import Extent
    from api.command.bench.running import Bench, run_bench

    settings = _settings(config, set_, pack)
    asked = Bench(film, people, only or (), Extent(frames, rounds), json=json)
    asyncio.run(run_bench(asked, settings))


@app.command()
def simulate(
    film: Annotated[Path, typer.Argument(help="A video file in H.264.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.")] = 8554,
) -> None:
    """Be an RTSP camera that shows a film again and again."""
    from api.command.simulator import run_simulator

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_simulator(film, host, port))


@app.command()
def doctor(config: Config = None, set_: Overrides = None) -> None:
    """Say what is installed, used and missing, and how to get it."""
    from api.command.doctor import examine

    raise typer.Exit(examine(_settings(config, set_)))


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    keys: Keys = None,
    kept: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=FILE", help="A file to keep with the keys: settings."),
    ] = None,
    config: Config = None,
    set_: Overrides = None,
) -> None:
    """Back the database up, encrypted, while the service runs; the keys apart."""
    from api.backup.making import back_up

    settings = _settings(config, set_)
    place = keys or _beside(folder)
    files = dict(map(_named_file, kept or []))
    made = asyncio.run(back_up(settings, folder, place, _passphrase(settings, new=True), files))
    typer.echo(f"{made.tables['people']} people, {made.tables['faces']} faces in {folder}")
    typer.echo(f"what opens it is in {place}: keep it, and the passphrase, in another place")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup.")],
    keys: Keys = None,
    kept: Annotated[
        Path | None, typer.Option("--settings", help="Folder for the files kept with the keys.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also if the database is not empty: all in it goes.")
    ] = False,
    config: Config = None,
    set_: Overrides = None,
) -> None:
    """Fill the database from a backup, while the service does not run."""
    from api.backup.restoring import lay_out, restore

    settings = _settings(config, set_)
    place, passphrase = keys or _beside(folder), _passphrase(settings, new=False)
    safe = asyncio.run(restore(settings, folder, place, passphrase, replace=replace))
    if kept is not None:
        lay_out(safe, kept)
    typer.echo("restored; start the service: it makes its index anew")


@models_app.command("list")
def models_list(config: Config = None, set_: Overrides = None) -> None:
    """The packs, their licences, and whether they are here."""
    from api.command.models import show

    show(_settings(config, set_))


@models_app.command("pull")
def models_pull(
    pack: Annotated[str, typer.Argument(help="Name of the pack, or a manifest.")],
    accept_licence: Annotated[
        bool,
        typer.Option("--accept-licence", "--accept-license", help="Accept the pack's licence."),
    ] = False,
    config: Config = None,
    set_: Overrides = None,
) -> None:
    """Fetch a pack, or make it; what broke off goes on where it stopped."""
    from api.command.models import fetch

    fetch(pack, _settings(config, set_), accept_licence=accept_licence)


@models_app.command("verify")
def models_verify(
    pack: Annotated[str | None, typer.Argument(help="Only this pack; else all.")] = None,
    config: Config = None,
    set_: Overrides = None,
) -> None:
    """Check every byte of the packs that are here."""
    from api.command.models import check

    raise typer.Exit(check(pack, _settings(config, set_)))


def main() -> None:
    """Run the command; what was foreseen ends it with one clear message and status 1."""
    try:
        app()
    except FaceapiError as error:
        sys.stderr.write(f"faceapi: {error}\n")
        sys.exit(1)
    except asyncio.CancelledError:  # stopped by a signal before it was running
        sys.exit(1)
    except BrokenPipeError:  # whoever read our lines has enough
        sys.stderr.close()
        sys.exit(0)


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-keys")


def _named_file(text: str) -> tuple[str, Path]:
    from api.store.sealing import KEYS

    name, equals, path = text.partition("=")
    if not (name and equals) or name != Path(name).name or name == KEYS:
        raise BadInput(f"--with {text}: must look like NAME=FILE, the name without a folder")
    return name, Path(path)


def _passphrase(settings: Settings, *, new: bool) -> str:
    """The one that is set, or that is typed now; a new one twice."""
    if settings.backup.passphrase is not None:
        return settings.backup.passphrase.get_secret_value()
    typed: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new)
    return typed


def _listening(host: str | None, port: int | None, level: str | None) -> list[str]:
    """The options of a service as settings."""
    asked = {"backend.host": host, "backend.port": port, "log.level": level}
    return [f"{key}={value}" for key, value in asked.items() if value is not None]


def _settings(
    config: Path | None, overrides: list[str] | None, pack: str | None = None
) -> Settings:
    more = [f"model.pack={pack}"] if pack else []
    settings = load_settings(config, overrides=[*(overrides or []), *more])
    logging.basicConfig(
        level=settings.log.level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.root.level))
    return settings


if __name__ == "__main__":
    main()
