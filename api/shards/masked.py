"""Which pictures of a camera may be passed on: none from before its masks were changed."""

from dataclasses import dataclass
from itertools import count

from ingest.options import Masks
from pipeline.messages import CameraId


@dataclass(slots=True)
class _Asked:
    masks: Masks
    number: int
    after: int | None
    """Media time of the last picture from before; None until the shard has confirmed."""


class MaskedCameras:
    """The cameras that have masks, or had; from a change to the shard's word none is shown."""

    def __init__(self) -> None:
        self._cameras: dict[CameraId, _Asked] = {}
        self._numbers = count(1)

    def ask(self, camera: CameraId, masks: Masks) -> bool:
        """A camera is to be masked so; returns whether it was not so before."""
        known = self._cameras.get(camera)
        if masks == (known.masks if known else ()):
            return False
        self._cameras[camera] = _Asked(masks, next(self._numbers), None)
        return True

    def number(self, camera: CameraId) -> int:
        """By which a shard confirms what was asked last; 0 where nothing ever was."""
        known = self._cameras.get(camera)
        return known.number if known else 0

    def confirmed(self, camera: CameraId, number: int, media_time: int) -> None:
        """The shard masks what comes after this media time as it was asked to."""
        known = self._cameras.get(camera)
        if known is not None and known.number == number:
            known.after = media_time

    def lets(self, camera: CameraId, media_time: int) -> bool:
        """Whether a picture may be seen."""
        known = self._cameras.get(camera)
        return known is None or (known.after is not None and media_time > known.after)

    def forget(self, camera: CameraId) -> None:
        """It is watched no more."""
        self._cameras.pop(camera, None)
