"""Encryption in passing: what is plain is never on the disk."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO

import pyrage
from pyrage.x25519 import Identity, Recipient

from pipeline.errors import BadInput


@asynccontextmanager
async def encrypting(file: Path, recipient: Recipient) -> AsyncIterator[BinaryIO]:
    """What is written becomes the age file ``file``, on the disk when this is left.

    Raises:
        BadInput: the file cannot be written.
    """

    def encrypt(plain: BinaryIO) -> None:
        with plain, _explained(f"{file} cannot be written"), _private(file) as sealed:
            pyrage.encrypt_io(plain, sealed, [recipient])
            sealed.flush()
            os.fsync(sealed.fileno())

    there, here = _pipe()
    async with _thread(encrypt, there):
        with here:
            yield here


@asynccontextmanager
async def decrypting(file: Path, identity: Identity) -> AsyncIterator[BinaryIO]:
    """What is read was in the age file ``file``.

    Raises:
        BadInput: the file is not there, is another's, was changed, or does not end; when this is
            left, if not before.
    """

    def decrypt(plain: BinaryIO) -> None:
        with _explained(f"{file} is damaged or incomplete"), plain, file.open("rb") as sealed:
            pyrage.decrypt_io(sealed, plain, [identity])

    here, there = _pipe()
    async with _thread(decrypt, there):
        with here:
            yield here


def _pipe() -> tuple[BinaryIO, BinaryIO]:
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb"), os.fdopen(writing, "wb")


@asynccontextmanager
async def _thread(work: Callable[[BinaryIO], None], end: BinaryIO) -> AsyncIterator[None]:
    """``work`` on its end of a pipe, which it closes; its error is the cause of the other end's."""
    working = asyncio.ensure_future(asyncio.to_thread(work, end))
    try:
        yield
    except BaseException:
        (error,) = await asyncio.gather(working, return_exceptions=True)
        if isinstance(error, BadInput):
            raise error from None
        raise
    await working


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # the other end has failed, and says why
    except (OSError, pyrage.EncryptError, pyrage.DecryptError) as error:
        raise BadInput(f"{what}: {error}") from None


def _private(file: Path) -> BinaryIO:
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
