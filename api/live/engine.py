"""The seam between the API and the cameras: plain data, so that both may run on other machines."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from api.live.coded import Coded
from api.live.roles import RoleStatus
from api.live.streams import StreamStatus
from api.live.told import Told
from api.live.video import Picture
from api.live.wire import CameraMessage, Position, PresenceMessage
from ingest.address import CameraUrl
from ingest.fleet import CameraSpec
from ingest.options import CameraOptions
from ingest.roles import StreamRole
from ingest.trial import Measured
from ingest.troubles import Cause
from ingest.webrtc.ice import Ice
from ingest.webrtc.session import Publication
from pipeline.errors import BadInput
from pipeline.messages import CameraId, PersonId


class Unusable(BadInput):
    """A camera that was tried shows nothing; ``cause`` says why in a word, where it is known."""

    def __init__(self, text: str, cause: Cause | None) -> None:
        super().__init__(text)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Checked:
    """What comes of a camera that was tried: its video, and the first picture as a JPEG."""

    video: Measured
    jpeg: bytes = field(repr=False)


class Engine(Protocol):
    """Where cameras are watched."""

    async def put(self, camera: CameraSpec) -> None:
        """Watch a camera, or change it; the same again changes nothing."""

    async def exchange(self, camera: CameraSpec) -> None:
        """Watch a camera by another address from the first picture on that comes from there.

        Until then, and if none comes, it is watched as it was. One that is not watched is put.

        Raises:
            Unusable: nothing can be seen there.
            Transient: it cannot be tried now.
        """

    async def remove(self, camera: CameraId) -> None:
        """Watch it no more."""

    def state(self, camera: CameraId) -> CameraMessage | None:
        """The latest state of a camera, None if it is not watched."""

    def stream(self, camera: CameraId) -> StreamStatus | None:
        """What comes of a camera now, None if nothing does."""

    def roles(self, camera: CameraId) -> Sequence[RoleStatus]:
        """How the further streams of a camera are."""

    async def check(self, url: CameraUrl, options: CameraOptions) -> Checked:
        """Connect to a camera that need not be watched, for a few seconds.

        Raises:
            Unusable: nothing can be seen there.
            Transient: too many are checked already, or it cannot be done now.
        """

    async def publish(self, camera: CameraId, offer: str, ice: Ice) -> Publication:
        """Begin a session in which somebody publishes to a camera, for an offer (SDP).

        Raises:
            BadInput: the offer cannot be gone along with.
            Conflict: somebody publishes to it already.
            Transient: the camera is not watched now.
        """

    async def unpublish(self, camera: CameraId, session: str) -> None:
        """End such a session; returns when its connection is gone.

        Raises:
            NotFound: there is none; it may be over.
            Transient: the camera is not watched now.
        """

    async def gone(self, people: Collection[PersonId], number: int) -> None:
        """Return when no result names these people by what was deleted up to a change."""


class Results(Protocol):
    """What comes from the cameras; at most once, bounded, the oldest dropped."""

    def subscribe(
        self,
        cameras: Collection[CameraId] | None,
        after: Position | None = None,
        *,
        recent: bool = False,
    ) -> AsyncGenerator[Told, None]:
        """What happens on these cameras (None: all): from a snapshot on, or after a position.

        A reader that is too late gets a gap and a new snapshot. With ``recent`` the first snapshot
        has all results that are not too old to be shown, not only the last of each camera.
        """

    def present(self, cameras: Collection[CameraId] | None) -> Sequence[PresenceMessage]:
        """Who is on these cameras (None: all) now."""

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


@dataclass(frozen=True, slots=True)
class Viewing:
    """A session that was begun, and the answer (SDP) to its offer."""

    session: str
    answer: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ViewingStatus:
    """How a session is.

    An RTP timestamp of it is (``rtp_origin`` + media time) modulo 2^32; None until the viewer has
    caught up with the camera. Pictures that were sent until then have timestamps of their own:
    ``caught_up`` has these with the media time of each. ``encoded`` says whether the pictures are
    encoded here or the camera's own, None before the first one; ``role`` what the stream is for
    that they are of. ``exact`` says that their media times are the analysed stream's own, or
    matched by the camera's clock; else they are estimated by their arrival.
    """

    camera: CameraId
    state: Literal["connecting", "connected"]
    rtp_origin: int | None
    encoded: bool | None
    caught_up: Sequence[tuple[int, int]]
    role: StreamRole | None
    exact: bool


class Playback(Protocol):
    """Live video for viewers."""

    async def watch(self, camera: CameraId, offer: str) -> Viewing:
        """Begin a session for an offer (SDP).

        Raises:
            BadInput: the offer cannot be accepted.
            Transient: there is no room for one more, or live video is out of reach.
        """

    def viewing(self, session: str) -> ViewingStatus | None:
        """How a session is, None if it is over."""

    async def end(self, session: str) -> None:
        """End a session; one that is over stays so."""
