"""``faceapi serve``: the service on this terminal, begun anew when the code changes if asked to."""

import asyncio
import shlex
import sys
from pathlib import Path

import watchfiles
from rich.console import Console

from api.command.progress import progress_bar
from api.program.program import ADMINISTRATOR, Ready, serve
from api.settings.settings import Settings
from api.store.data_folder import write_secret

FIRST = "administrator-password"
"""The file in the data folder with the first one's password, where there is no terminal."""
_ROOT = Path(__file__).parents[2]
_ROOMS = tuple(_ROOT / room for room in ("api", "ingest", "pipeline", "configs"))


def run_service(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        FaceapiError: as of ``serve``.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)

    async def on_ready(ready: Ready) -> None:
        if ready.password:
            _hand_over(ready.password, settings.faceapi.data_dir.expanduser(), console)
        console.print(f"faceapi answers at [bold]{ready.url}[/]")

    with progress_bar(console) as progress:
        asyncio.run(serve(settings, progress, on_ready))


def _hand_over(password: str, folder: Path, console: Console) -> None:
    """On a terminal; else into a file: what is no terminal is mostly a log, which is kept."""
    if console.is_terminal:
        shown = f"password [bold]{password}[/] (this is the only time it is shown)"
    else:
        file = folder / FIRST
        write_secret(file, f"{password}\n".encode())
        shown = f"password in {file} (read it, then delete it)"
    console.print(f"user [bold]{ADMINISTRATOR}[/], {shown}")


def run_reloading() -> None:
    """Run this same command without --reload as a child, anew whenever the code changes."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--reload"]
    command = " ".join(map(shlex.quote, [sys.executable, "-m", "api", *arguments]))
    watchfiles.run_process(*_ROOMS, target=command, target_type="command")
