"""``faceapi serve``: the service on this terminal, begun anew when the code changes if asked to."""

import asyncio
import shlex
import sys
from pathlib import Path

import watchfiles
from rich.console import Console

from api.program import ADMINISTRATOR, Ready, serve
from api.progress import progress_bar
from api.settings import Settings

_ROOT = Path(__file__).parents[1]
_ROOMS = tuple(_ROOT / room for room in ("api", "ingest", "pipeline", "configs"))


def run_service(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        FaceapiError: as of ``serve``.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)

    async def on_ready(ready: Ready) -> None:
        if ready.password:
            console.print(
                f"user [bold]{ADMINISTRATOR}[/], password [bold]{ready.password}[/] "
                "(this is the only time it is shown)"
            )
        console.print(f"faceapi answers at [bold]{ready.url}[/]")

    with progress_bar(console) as progress:
        asyncio.run(serve(settings, progress, on_ready))


def run_reloading() -> None:
    """Run this same command without --reload as a child, anew whenever the code changes."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--reload"]
    command = " ".join(map(shlex.quote, [sys.executable, "-m", "api", *arguments]))
    watchfiles.run_process(*_ROOMS, target=command, target_type="command")
