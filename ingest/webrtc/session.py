"""What is agreed on with somebody who publishes."""

from dataclasses import dataclass

from pipeline.errors import FaceapiError


class Occupied(FaceapiError):  # noqa: N818 - named for what it says
    """Somebody publishes to this camera already."""


@dataclass(frozen=True, slots=True)
class Publication:
    """Somebody publishes: ``session`` names it to those who may end it, ``answer`` is SDP."""

    session: str
    answer: str
