"""What a camera's streams are for; one may serve several purposes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from ingest.address import CameraAddress, CameraUrl
from pipeline.errors import BadInput


class StreamRole(StrEnum):
    """A purpose of a camera's stream."""

    ANALYSE = "analyse"
    """Faces are detected, tracked and told in its pictures."""
    VIEW = "view"
    """It is shown to people."""
    DETAIL = "detail"
    """Faces that are small in the analysed pictures are cut from its."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Further streams of a camera, of the same field of view; None: the analysed one serves."""

    view: CameraUrl | None = None
    detail: CameraUrl | None = None

    @property
    def by_role(self) -> Mapping[StreamRole, CameraUrl]:
        """Those that there are, by what they are for."""
        both = {StreamRole.VIEW: self.view, StreamRole.DETAIL: self.detail}
        return {role: url for role, url in both.items() if url is not None}

    def changed(self, change: Mapping[StreamRole, CameraUrl | None]) -> "Streams":
        """They with these as given."""
        return replace(self, **{role.value: url for role, url in change.items()})

    def beside(self, analysed: CameraAddress) -> "Streams":
        """Those that are another stream than the analysed one.

        Raises:
            BadInput: the camera connects by itself, so that it has one stream.
        """
        if not isinstance(analysed, CameraUrl):
            if self != Streams():
                raise BadInput("a camera that publishes (whip:) has one stream: no view, no detail")
            return self
        return Streams(
            view=None if self.view == analysed else self.view,
            detail=None if self.detail == analysed else self.detail,
        )
