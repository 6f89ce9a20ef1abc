"""``faceapi models``: list, pull, verify."""

from rich.console import Console
from rich.table import Table

from api.command.progress import progress_bar
from api.settings.settings import Settings
from pipeline.packs.download import pull
from pipeline.packs.manifest import Manifest, load_manifest, shipped_packs
from pipeline.packs.pack import open_pack, verify


def show(settings: Settings) -> None:
    """A table of the shipped packs."""
    table = Table("pack", "networks", "licence", "threshold", "state")
    for name in shipped_packs():
        manifest = load_manifest(name)
        missing = any(verify(manifest, settings.faceapi.cache_dir))
        chosen = " (in use)" if name == settings.model.pack else ""
        table.add_row(
            name + chosen,
            manifest.title,
            manifest.licence.name,
            f"{manifest.threshold:g} ({manifest.metric})",
            f"not here: faceapi models pull {name}{_yes(manifest)}" if missing else "here",
        )
    Console().print(table)


def _yes(manifest: Manifest) -> str:
    return " --accept-licence" if manifest.licence.must_be_accepted else ""


def fetch(name: str, settings: Settings, *, accept_licence: bool) -> None:
    """Fetch or make one pack."""
    manifest, cache = load_manifest(name), settings.faceapi.cache_dir
    with progress_bar(Console(stderr=True)) as progress:
        pull(
            manifest,
            cache,
            progress,
            mirror=settings.model.mirror,
            accept_licence=accept_licence or settings.model.accept_licence == manifest.id,
        )
        open_pack(manifest, cache, progress)
    Console().print(f"{manifest.id} is here: {manifest.title}")


def check(name: str | None, settings: Settings) -> int:
    """Check packs; the exit status is 1 if any file is missing or broken."""
    console, status = Console(soft_wrap=True), 0
    for pack in [name] if name else shipped_packs():
        flaws = list(verify(load_manifest(pack), settings.faceapi.cache_dir))
        for flaw in flaws or [f"{pack}: every byte is right"]:
            console.print(flaw)
        status |= bool(flaws)
    return status
