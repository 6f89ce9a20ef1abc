"""What comes of a camera, counted where it comes in."""

from dataclasses import dataclass, replace

from ingest.media_clock import TICKS


@dataclass(slots=True)
class Observed:
    """A camera's video: what it is, and how much came of it over all connections.

    It is written on the source's thread; a ``copy`` is for others, and may be between two pictures.
    """

    codec: str = ""
    """As a person calls it; empty before the first connection."""
    width: int = 0
    height: int = 0
    """Of the last decoded picture, in pixels."""
    coded_bytes: int = 0
    """Of pictures as the camera coded them; 0 where they come otherwise (WebRTC)."""
    pictures: int = 0
    """That came, decoded or not."""
    decoded: int = 0
    key_interval: float = 0.0
    """Seconds between the last two key pictures; 0 before there are two."""
    connections: int = 0
    clock_skew: float | None = None
    """Seconds that the camera's clock is ahead of ours; None where it says no time."""
    transport: str = ""
    """By what it comes: tcp, udp or webrtc."""
    decoder: str = "cpu"
    """What decoded the last picture: cpu or cuda."""
    _key_at: int = -1

    def connected(self, codec: str, transport: str) -> None:
        """A connection begins to give video."""
        self.codec, self.transport = codec, transport
        self.connections += 1
        self.clock_skew = None
        self._key_at = -1

    def coded(self, size: int, media_time: int, *, key: bool) -> None:
        """A picture of so many bytes came."""
        self.pictures += 1
        self.coded_bytes += size
        if key:
            if self._key_at >= 0:
                self.key_interval = (media_time - self._key_at) / TICKS
            self._key_at = media_time

    def shown(self, width: int, height: int, decoder: str) -> None:
        """A picture was decoded."""
        self.decoded += 1
        self.decoder = decoder
        self.width, self.height = width, height

    def copy(self) -> "Observed":
        """It as it is now."""
        return replace(self)
