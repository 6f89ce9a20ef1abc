"""How the cameras' further streams are, by what they are for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from api.live.streams import Streams, StreamStatus
from ingest.roles import StreamRole
from ingest.roles import Streams as Addresses
from ingest.second_stream import SecondStatus
from ingest.source import State
from pipeline.detail import is_same_view
from pipeline.messages import CameraId

RoleState: TypeAlias = State | Literal["idle"]
"""Idle: not connected, as nobody wants it."""


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """A further stream of a camera.

    ``reason`` says what is wrong with it, empty if nothing is. ``since`` is in Unix seconds, None
    before anything is known. ``exact`` says that its pictures are matched with the analysed ones by
    the camera's own clock, and not by their arrival. ``stream`` is what comes of it.
    """

    role: StreamRole
    state: RoleState
    reason: str
    since: float | None
    exact: bool
    stream: StreamStatus | None


class Roles:
    """What the shards say of them.

    Args:
        clock: seconds, from anywhere; None: the usual.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._figures = Streams(clock) if clock else Streams()
        self._told: dict[tuple[CameraId, StreamRole], SecondStatus] = {}

    def told(self, camera: CameraId, status: SecondStatus) -> None:
        """One is so now."""
        for role in status.roles:
            self._told[camera, role] = status
            self._figures.told(_name(camera, role), status.observed)

    def forget(self, camera: CameraId) -> None:
        """A camera is gone."""
        for role in StreamRole:
            self._told.pop((camera, role), None)
            self._figures.forget(_name(camera, role))

    def statuses(
        self, camera: CameraId, addresses: Addresses, analysed: StreamStatus | None
    ) -> Sequence[RoleStatus]:
        """Of each further stream that a camera has by its ``addresses``.

        ``analysed`` is what comes of its analysed stream.
        """
        return [self._status(camera, role, analysed) for role in addresses.by_role]

    def wanted(self) -> Iterator[tuple[CameraId, StreamRole, bool]]:
        """Of each that is wanted now, whether its pictures come."""
        for (camera, role), status in self._told.items():
            if status.state is not None:
                yield camera, role, status.is_live

    def _status(
        self, camera: CameraId, role: StreamRole, analysed: StreamStatus | None
    ) -> RoleStatus:
        status = self._told.get((camera, role))
        if status is None:
            return RoleStatus(role, "idle", "", None, False, None)
        stream = self._figures.status(_name(camera, role))
        reason = status.reason
        if role is StreamRole.DETAIL and status.is_live and not reason:
            reason = _unfit(stream, analysed)
        state: RoleState = "idle" if status.state is None else status.state
        return RoleStatus(role, state, reason, status.since, status.exact, stream)


def _unfit(stream: StreamStatus | None, analysed: StreamStatus | None) -> str:
    """Why no face is cut from a detail stream's pictures, empty where they can be."""
    if stream is None or analysed is None or not (stream.width and analysed.width):
        return ""
    small, large = (analysed.width, analysed.height), (stream.width, stream.height)
    if is_same_view(small, large):
        return ""
    sizes = f"{large[0]}x{large[1]}, the analysed one {small[0]}x{small[1]}"
    return f"it is not used: it is {sizes}; allowed are larger pictures of the same proportions"


def _name(camera: CameraId, role: StreamRole) -> CameraId:
    return CameraId(f"{camera}/{role}")
