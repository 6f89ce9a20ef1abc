"""Coded pictures as a browser can play them, and the last of them that a new viewer begins with."""

from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from ingest.roles import StreamRole

LARGEST_GROUP = 8 << 20
"""Bytes of a group of pictures that is kept: 4 s of a camera that sends 16 Mbit/s."""
LONGEST_GROUP = 300
"""Pictures of one: 10 s at 30 a second. A viewer decodes them all before the present one."""


class Playable(NamedTuple):
    """One picture in H.264 that needs no later one: an access unit in Annex B.

    Parameter sets stand in front of each ``key`` picture, with which decoding can begin.
    ``encoded`` says that it was encoded here; otherwise it is the camera's own. ``role`` is what
    its stream is for; ``exact`` says that its media time is by the analysed stream's own clock, or
    the camera's, and not estimated.
    """

    media_time: int
    key: bool
    encoded: bool
    data: bytes
    role: StreamRole = StreamRole.ANALYSE
    exact: bool = True


class CodedPicture(Protocol):
    """What is asked of a coded picture here."""

    @property
    def key(self) -> bool:
        """Whether decoding can begin with it."""

    @property
    def data(self) -> bytes:
        """The access unit."""


Picture = TypeVar("Picture", bound=CodedPicture)


class LastGroup(Generic[Picture]):
    """The last key picture and all since.

    Where that is too much, nothing is kept until the next key picture.
    """

    def __init__(self) -> None:
        self._pictures: list[Picture] = []
        self._bytes = 0

    @property
    def pictures(self) -> Sequence[Picture]:
        """They, in the order they are decoded; empty, or beginning with a key picture."""
        return tuple(self._pictures)

    def add(self, picture: Picture) -> None:
        """The next picture of the camera."""
        if picture.key:
            self.clear()
        elif not self._pictures:
            return
        self._pictures.append(picture)
        self._bytes += len(picture.data)
        if self._bytes > LARGEST_GROUP or len(self._pictures) > LONGEST_GROUP:
            self.clear()

    def clear(self) -> None:
        """What comes next does not go on from these."""
        self._pictures.clear()
        self._bytes = 0
