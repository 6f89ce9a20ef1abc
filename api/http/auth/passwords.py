"""Passwords: kept as hashes that are slow on purpose, raised when a better scheme is in use."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, TypeVar

from passlib.context import CryptContext

from pipeline.errors import BadInput, FaceapiError

Answer = TypeVar("Answer")
Scheme = Literal["argon2id", "sha256_crypt"]

_NAMES: dict[Scheme, str] = {"argon2id": "argon2", "sha256_crypt": "sha256_crypt"}
"""What the library calls them; its argon2 is argon2id (RFC 9106)."""
_LONGEST = 1024
"""Characters of a password: what is hashed is bounded."""
_NEW = 12
"""Random bytes of a password of ours: 96 bits."""


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a password is right; ``raised`` is the hash to keep from now on, None if it stays."""

    ok: bool
    raised: str | None = None


class WrongPassword(FaceapiError):  # noqa: N818 - named for what it says
    """Who is signed in already does not know her own password."""


class Passwords:
    """Hashes and checks, one at a time on a thread of its own.

    Each takes some 50 ms and 64 MB, so a burst of sign-ins takes neither the loop nor the memory.
    """

    def __init__(self, scheme: Scheme) -> None:
        self._context = CryptContext(
            schemes=list(_NAMES.values()), default=_NAMES[scheme], deprecated="auto"
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._nobodys: str = self._context.hash(new_password())

    async def hash(self, password: str) -> str:
        """What is kept of a password.

        Raises:
            BadInput: it is too long.
        """
        _bounded(password)
        return await self._run(lambda: str(self._context.hash(password)))

    async def check(self, password: str, stored: str) -> Check:
        """Whether ``stored`` was made of ``password``; what is no hash was made of nothing."""
        if len(password) > _LONGEST:
            return Check(ok=False)
        return await self._run(lambda: self._check(password, stored))

    async def waste(self, password: str) -> None:
        """Take as long as a check: whether there is such a user is not to be told by the time."""
        await self.check(password, self._nobodys)

    def _check(self, password: str, stored: str) -> Check:
        if self._context.identify(stored) is None:
            return Check(ok=False)
        try:
            ok, raised = self._context.verify_and_update(password, stored)
        except ValueError:  # it begins like a hash and is none, or the password has a zero byte
            return Check(ok=False)
        return Check(bool(ok), raised)

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        return await asyncio.wrap_future(self._thread.submit(work))


def new_password() -> str:
    """A random password of 16 letters, digits, - and _."""
    return secrets.token_urlsafe(_NEW)


def _bounded(password: str) -> None:
    if len(password) > _LONGEST or "\0" in password:
        raise BadInput(f"a password has at most {_LONGEST} characters, and no zero byte")
