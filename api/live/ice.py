"""How this service is reached by WebRTC, from its settings."""

import time
from collections.abc import Iterator

from api.settings.sections import WebrtcSettings
from api.settings.settings import Settings
from ingest.webrtc.ice import Ice, IceServer

_LIFETIME = 24 * 3600
"""Seconds for which credentials of a TURN server are good: longer than anybody looks."""
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def ice_of(settings: Settings) -> Ice:
    """What one more connection offers and is told; its TURN credentials begin to expire now.

    A service that only this machine can ask offers the loopback interface only.
    """
    announced = settings.webrtc.announced_address
    return Ice(
        servers=tuple(_servers(settings.webrtc)),
        announced=announced,
        loopback=announced is None and settings.backend.host in _LOOPBACK,
    )


def _servers(webrtc: WebrtcSettings) -> Iterator[IceServer]:
    for url in (webrtc.stun_urls or "").split(","):
        if url.strip():
            yield IceServer(url.strip())
    if webrtc.turn_url and webrtc.turn_secret:
        expires = round(time.time()) + _LIFETIME
        yield IceServer.turn(webrtc.turn_url, webrtc.turn_secret.get_secret_value(), expires)
