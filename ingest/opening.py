"""FFmpeg's connection to a camera, made after our own first look at it (``describe``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av

from ingest.address import CameraUrl
from ingest.describe import describe
from ingest.destination import Destinations
from ingest.options import Transport
from ingest.refusals import refusal
from ingest.troubles import NoTransport, Unsupported

if TYPE_CHECKING:
    from av.container import InputContainer

CODECS = "H.264, H.265 and MJPEG"
_TAKEN = {"H264", "H265", "JPEG"}
"""The same as session descriptions name them (RFC 6184, RFC 7798, RFC 2435)."""
_UDP_BUFFER = 1 << 20
"""Bytes asked of the kernel for a socket: a key picture of 4K comes as one burst. It gives as much
as net.core.rmem_max allows."""
_REORDER = 0.2
"""Seconds that a datagram is waited for while later ones are here; then it is lost."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a camera may take, in seconds, where it may be, and where its datagrams go."""

    connect: float = 5.0
    """Until it has agreed to play."""
    silence: float = 4.0
    """Without a packet."""
    picture: float = 15.0
    """Without a picture, although packets come: longer than from one key frame to the next."""
    destinations: Destinations | None = None
    """None: wherever it is said to be."""
    udp_ports: tuple[int, int] = (20000, 20999)
    """The first and the last of our ports; each camera by UDP takes two."""


PATIENCE = Limits()


def opened(
    url: CameraUrl, limits: Limits, transport: Transport
) -> "tuple[InputContainer, Transport]":
    """A connection that plays, and by what its pictures come.

    Raises:
        NoTransport: the camera does not send so.
        Unreachable, Refused, Silent, Lost, Garbage: as ``ingest.troubles`` says.
        NoSuchStream, Unsupported, Unauthorized, Forbidden: likewise.
    """
    if limits.destinations is not None:
        codecs = describe(url, limits.destinations, limits.connect)
        if not _TAKEN.intersection(codecs):
            raise Unsupported(f"{url}: the video is {codecs[0]}; allowed are {CODECS}")
    if transport is not Transport.AUTO:
        return _opened(url, limits, transport), transport
    try:
        return _opened(url, limits, Transport.TCP), Transport.TCP
    except NoTransport:
        return _opened(url, limits, Transport.UDP), Transport.UDP


def _opened(url: CameraUrl, limits: Limits, transport: Transport) -> "InputContainer":
    options = {
        "rtsp_transport": str(transport),
        "allowed_media_types": "video",
        "timeout": str(round(max(limits.connect, limits.silence) * 1e6)),  # microseconds
        "probesize": "32",  # with the next: begin at once, the SDP says enough
        "analyzeduration": "0",
        "fflags": "noparse",  # see access_units
        **(_of_udp(limits) if transport is Transport.UDP else {}),
    }
    try:
        return av.open(url.with_secrets, options=options, timeout=(limits.connect, limits.silence))
    except av.FFmpegError as error:
        refused = refusal(url, error)
    raise refused


def _of_udp(limits: Limits) -> Mapping[str, str]:
    first, last = limits.udp_ports
    return {
        "rtsp_flags": "filter_src",  # else whoever reaches our port could send pictures
        "buffer_size": str(_UDP_BUFFER),
        "max_delay": str(round(_REORDER * 1e6)),
        "min_port": str(first),
        "max_port": str(last),
    }
