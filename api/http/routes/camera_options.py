"""A camera's options as they are changed: what is left out stays, null is the default again."""

from collections.abc import Mapping

from api.http.routes.dependencies import Body
from ingest.options import Analysed, CameraOptions, DecoderChoice, Masks, Region, Timeout, Transport


class OptionsChange(Body):
    """Options that are to be others; what is left out stays, null is the default."""

    transport: Transport | None = None
    connect_timeout: Timeout | None = None
    read_timeout: Timeout | None = None
    decoder: DecoderChoice | None = None
    analysed: Analysed | None = None
    region: Region | None = None
    masks: Masks | None = None

    @property
    def fields(self) -> Mapping[str, object]:
        """What was sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


ALL_DEFAULT: Mapping[str, object] = dict.fromkeys(CameraOptions.model_fields)
"""Every option is to be its default again."""
