"""Biometric templates and credentials at rest: one envelope, AES-256-GCM under a named key.

An envelope is a version byte, the key's id, a random nonce and the sealed bytes. What it is for
(its context) is authenticated with it, so that none can be put in another's place. A nonce of 96
random bits is safe for 2^32 envelopes of one key (NIST SP 800-38D, 8.3).
"""

import base64
import binascii
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from api.store.data_folder import write_secret
from pipeline.errors import FaceapiError, Misconfigured

KEYS = "sealing.keys"
"""The file of the keys, in the data folder."""
_VERSION = 1
_ID, _NONCE, _KEY = 8, 12, 32
"""Bytes of a key's id (in hexadecimal), of a nonce, of a key."""
_OTHERS = 0o077
"""Permissions that nobody but the owner may have."""


class Tampered(FaceapiError):  # noqa: N818 - named for what it says
    """An envelope does not hold what was sealed for this place."""


class Keyring:
    """The keys: the newest seals, all of them open."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {name: AESGCM(key) for name, key in keys.items()}
        self._newest = list(keys)[-1]

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The keys in ``folder``; the first one is made if there is none. Back the file up.

        Raises:
            Misconfigured: the file cannot be read, is broken, or is open to others.
        """
        file = folder / KEYS
        try:
            if not file.exists():
                write_secret(file, _lines({secrets.token_hex(_ID // 2): secrets.token_bytes(_KEY)}))
            if file.stat().st_mode & _OTHERS:
                raise Misconfigured(f"{file} is open to others: chmod 600 {file}")
            return cls(_parsed(file.read_text("ascii"), str(file)))
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"{file} cannot be used: {error}") from None

    def seal(self, plain: bytes, context: str) -> bytes:
        """An envelope around ``plain`` that opens in this context only."""
        nonce = secrets.token_bytes(_NONCE)
        head = bytes([_VERSION]) + self._newest.encode()
        sealed = self._keys[self._newest].encrypt(nonce, plain, _bound(head, context))
        return b"".join([head, nonce, sealed])

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """What was sealed.

        Raises:
            Misconfigured: its key is not here.
            Tampered: it was sealed for another context, or changed since.
        """
        head, rest = sealed[: 1 + _ID], sealed[1 + _ID :]
        if len(rest) < _NONCE or head[0] != _VERSION:
            raise Tampered(f"{context} is no envelope of version {_VERSION}")
        name = head[1:].decode("ascii", "replace")
        if name not in self._keys:
            raise Misconfigured(f"{context} is sealed by the key {name}, which is not in {KEYS}")
        try:
            return self._keys[name].decrypt(rest[:_NONCE], rest[_NONCE:], _bound(head, context))
        except InvalidTag:
            raise Tampered(f"{context} was changed, or sealed for another place") from None


def adopt(folder: Path, text: str) -> None:
    """Add the keys of another folder's file to those in ``folder``; its newest seals from now on.

    Raises:
        Misconfigured: one of the two is broken or cannot be used.
    """
    file, theirs = folder / KEYS, _parsed(text, f"the adopted {KEYS}")
    try:
        mine = _parsed(file.read_text("ascii"), str(file)) if file.exists() else {}
        write_secret(
            file, _lines({name: key for name, key in mine.items() if name not in theirs} | theirs)
        )
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{file} cannot be used: {error}") from None


def _bound(head: bytes, context: str) -> bytes:
    return head + context.encode()


def _parsed(text: str, place: str) -> dict[str, bytes]:
    """The keys by their ids, newest last; a broken line is named and not shown."""
    keys = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, _, key = line.strip().partition(" ")
        try:
            keys[name] = base64.b64decode(key, validate=True)
        except binascii.Error:
            keys[name] = b""
        if len(name) != _ID or len(keys[name]) != _KEY:
            raise Misconfigured(f"{place}, line {number}: is not an id and a key of {_KEY} bytes")
    if not keys:
        raise Misconfigured(f"{place} is empty: restore it from a backup")
    return keys


def _lines(keys: Mapping[str, bytes]) -> bytes:
    return b"".join(
        b"%s %s\n" % (name.encode(), base64.b64encode(key)) for name, key in keys.items()
    )
