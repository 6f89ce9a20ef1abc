"""What a camera is told beside its address: how it is connected and decoded, and what is looked at.

Places in the picture are fractions of it, so that they hold at any resolution: (0, 0) is the top
left corner, (1, 1) the bottom right one.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingest.address import CameraAddress, CameraUrl
from pipeline.errors import BadInput


class Transport(StrEnum):
    """How pictures come from a camera (RFC 2326)."""

    TCP = "tcp"
    """In the connection that asks for them."""
    UDP = "udp"
    """In datagrams of their own."""
    AUTO = "auto"
    """By TCP; from a camera that refuses it, by UDP."""


class DecoderChoice(StrEnum):
    """What decodes a camera's pictures."""

    CPU = "cpu"
    CUDA = "cuda"
    """An NVIDIA GPU's own decoder (NVDEC), and nothing else."""
    AUTO = "auto"
    """That, where there is one; else the CPU."""


Part: TypeAlias = Annotated[float, Field(ge=0, le=1, strict=True)]
Point: TypeAlias = tuple[Part, Part]
"""x to the right, y downwards."""
Polygon: TypeAlias = Annotated[tuple[Point, ...], Field(min_length=3, max_length=64)]
"""Its corners in order; the last one is joined to the first."""
Masks: TypeAlias = Annotated[tuple[Polygon, ...], Field(max_length=32)]
Timeout: TypeAlias = Annotated[float, Field(ge=0.1, le=60, strict=True)]
"""Seconds."""
Analysed: TypeAlias = Literal["all", "keys"] | Annotated[float, Field(ge=0.01, le=240, strict=True)]
"""Every picture, key pictures only, or so many a second."""


class Region(BaseModel):
    """A part of the picture; as it is, all of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0
    y: Annotated[float, Field(ge=0, lt=1, strict=True)] = 0
    width: Annotated[float, Field(gt=0, le=1, strict=True)] = 1
    height: Annotated[float, Field(gt=0, le=1, strict=True)] = 1

    @model_validator(mode="after")
    def _is_inside(self) -> Self:
        for begin, length in (("x", "width"), ("y", "height")):
            end = getattr(self, begin) + getattr(self, length)
            if end > 1 + 1e-9:
                raise ValueError(f"{begin} + {length} is {end:g}: allowed is 1 at the most")
        return self


class CameraOptions(BaseModel):
    """Of one camera; as they are, it is connected and looked at as any other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transport: Transport = Field(
        Transport.TCP, description="tcp, udp, or auto: udp from a camera that refuses tcp."
    )
    connect_timeout: Timeout | None = Field(
        None, description="Seconds until it must have agreed to play; null: rtsp.connect_timeout."
    )
    read_timeout: Timeout | None = Field(
        None, description="Seconds that it may be silent; null: rtsp.read_timeout."
    )
    decoder: DecoderChoice = Field(
        DecoderChoice.CPU,
        description="cpu, cuda (NVDEC), or auto: cuda where there is one, else cpu.",
    )
    analysed: Analysed = Field(
        "all", description="all pictures, keys (key pictures only), or so many a second."
    )
    region: Region = Field(
        Region(), description="What is looked at, in fractions of the picture; default: all of it."
    )
    masks: Masks = Field(
        (),
        description="Polygons, as [x, y] in fractions of the picture, that are black before"
        " anything or anybody sees it.",
    )

    def changed(self, change: Mapping[str, object]) -> Self:
        """They with these fields as given; None puts a field back to its default.

        Raises:
            pydantic.ValidationError: a field is unknown, or its value is not allowed.
        """
        kept = self.model_dump(exclude_defaults=True)
        asked = {**kept, **change}
        return type(self).model_validate(
            {name: value for name, value in asked.items() if value is not None}
        )

    def of_connection(self) -> Self:
        """Those that only a new connection can follow; all others can change while it plays."""
        return self.model_copy(update={"analysed": "all", "region": Region(), "masks": ()})


DEFAULTS = CameraOptions()


def go_together(address: CameraAddress, options: CameraOptions) -> None:
    """Check that a camera at this address can be told these options.

    Raises:
        BadInput: it is asked to send in the clear what its address says is encrypted.
    """
    encrypted = isinstance(address, CameraUrl) and address.scheme == "rtsps"
    if encrypted and options.transport is not Transport.TCP:
        raise BadInput(
            f"options.transport is {options.transport}: allowed is tcp for rtsps, as by udp"
            " pictures are not encrypted"
        )
