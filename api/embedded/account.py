"""As which user PostgreSQL runs: it refuses to be root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import Misconfigured

_INSTEAD_OF_ROOT = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A user and the group that goes with it."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """For messages."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)

    def may_reach(self, path: Path) -> bool:
        """Whether the folders above ``path`` that are there let it pass, by their mode alone."""
        above = (folder for folder in path.resolve().parents if folder.exists())
        return all(self._may_enter(folder.stat()) for folder in above)

    def _may_enter(self, folder: os.stat_result) -> bool:
        if self.uid == folder.st_uid:
            return bool(folder.st_mode & stat.S_IXUSR)
        if self.gid == folder.st_gid:
            return bool(folder.st_mode & stat.S_IXGRP)
        return bool(folder.st_mode & stat.S_IXOTH)


def account_for(data: Path) -> Account:
    """This program's own; for root whoever owns ``data`` already, else a user that is no root.

    Raises:
        Misconfigured: root has no other user to give it to.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in _INSTEAD_OF_ROOT:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(user.pw_uid, user.pw_gid)
    raise Misconfigured(
        f"PostgreSQL refuses to run as root, and there is no user {' or '.join(_INSTEAD_OF_ROOT)}: "
        "make one, start this program as another user, or name a server (SQL_HOST)"
    )
