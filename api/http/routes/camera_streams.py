"""A camera's further streams, as they are sent and told."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import SecretStr, StringConstraints, WithJsonSchema

from api.http.routes.dependencies import Body
from ingest.roles import StreamRole, Streams

RTSP_URL = (
    r"(rtsp|rtsps)://([^@:/?#\s\[\]]+(:[^@:/?#\s\[\]]+)?@)?"
    r"[A-Za-z0-9][A-Za-z0-9.-]*(:[1-9][0-9]{0,3})?(/[^@\s]*)?"
)
"""An address as OpenAPI tells it; what is accepted is decided by ``ingest.address``."""
StreamAddress = Annotated[
    SecretStr,
    StringConstraints(min_length=1, max_length=2000),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 2000,
            "pattern": f"^{RTSP_URL}$",
            "writeOnly": True,
            "description": "As a camera's own address, rtsp or rtsps.",
        }
    ),
]


class StreamsIn(Body):
    """Further streams of the same field of view; null, or the camera's own: that one serves.

    ``view`` is shown to people, ``detail`` has the larger pictures that small faces are cut from.
    Of a change, what is left out stays.
    """

    view: StreamAddress | None = None
    detail: StreamAddress | None = None

    @property
    def sent(self) -> Mapping[StreamRole, SecretStr | None]:
        """What was sent, by what it is for."""
        return {role: getattr(self, role) for role in StreamRole if role in self.model_fields_set}


class StreamsOut(Body):
    """Addresses of further streams; *** stands where a password is."""

    view: str | None
    detail: str | None

    @classmethod
    def of(cls, streams: Streams) -> "StreamsOut":
        """What may be told of them."""
        told = {role: str(url) for role, url in streams.by_role.items()}
        return cls(view=told.get(StreamRole.VIEW), detail=told.get(StreamRole.DETAIL))
