"""The seam between the API and the cameras: plain data, so that both may run on other machines."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from api.live.coded import Coded
from api.live.told import Told
from api.live.video import Picture
from api.live.wire import CameraMessage, Position
from ingest.fleet import CameraSpec
from pipeline.messages import CameraId, PersonId


class Engine(Protocol):
    """Where cameras are watched."""

    async def put(self, camera: CameraSpec) -> None:
        """Watch a camera, or change it; the same again changes nothing."""

    async def remove(self, camera: CameraId) -> None:
        """Watch it no more."""

    def state(self, camera: CameraId) -> CameraMessage | None:
        """The latest state of a camera, None if it is not watched."""

    async def gone(self, people: Collection[PersonId], number: int) -> None:
        """Return when no result names these people by what was deleted up to a change."""


class Results(Protocol):
    """What comes from the cameras; at most once, bounded, the oldest dropped."""

    def subscribe(
        self, cameras: Collection[CameraId] | None, after: Position | None = None
    ) -> AsyncGenerator[Told, None]:
        """What happens on these cameras (None: all): from a snapshot on, or after a position.

        A reader that is too late gets a gap and a new snapshot.
        """

    def pictures(self, camera: CameraId) -> AsyncGenerator[Picture, None]:
        """The analysed pictures of a camera; ends when the camera is removed."""

    def coded(self, camera: CameraId) -> AsyncGenerator[Coded, None]:
        """The video of a camera: its last key picture, all since, and so on, without a hole.

        Where pictures were lost it goes on with a key picture. Ends when the camera is removed.
        """


class ShardState(StrEnum):
    """Where a shard is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"
    """It died; it is about to be replaced."""


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """A process that watches cameras.

    ``pid`` is None while there is none. ``since`` is Unix time, ``trouble`` what is wrong with it,
    empty if nothing is.
    """

    id: str
    pid: int | None
    state: ShardState
    since: float
    restarts: int
    cameras: Sequence[CameraId]
    frames_per_second: float
    resident_bytes: int
    trouble: str


class Shards(Protocol):
    """The processes that watch the cameras."""

    def statuses(self) -> Sequence[ShardStatus]:
        """Each of them, as it is now."""
