"""What opens a backup: it lies apart from it, behind a passphrase."""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pyrage
from pyrage.x25519 import Identity

from pipeline.errors import Misconfigured

_IDENTITY = "identity.txt"


@dataclass(frozen=True, slots=True, eq=False)
class Safe:
    """The identity that decrypts the backup's files, and small files that go with it by name.

    Locked it is a tar archive in an age file: ``age -d keys.age | tar x`` opens it, too.
    """

    identity: Identity
    files: Mapping[str, bytes]

    def locked(self, passphrase: str) -> bytes:
        """Encrypted; scrypt makes each try of a passphrase take about a second."""
        members = {_IDENTITY: str(self.identity).encode(), **self.files}
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, data in members.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(data), 0o600
                archive.addfile(member, io.BytesIO(data))
        return bytes(pyrage.passphrase.encrypt(packed.getvalue(), passphrase))

    @classmethod
    def unlocked(cls, sealed: bytes, passphrase: str) -> Self:
        """What was locked.

        Raises:
            Misconfigured: the passphrase is another, or the file was changed.
        """
        try:
            packed = pyrage.passphrase.decrypt(sealed, passphrase)
        except pyrage.DecryptError as error:
            raise Misconfigured(f"the keys cannot be unlocked: {error}") from None
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            files = {member.name: _read(archive, member) for member in archive}
        return cls(Identity.from_str(files.pop(_IDENTITY).decode()), files)


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return stream.read() if stream else b""
