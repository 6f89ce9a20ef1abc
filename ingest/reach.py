"""Whether something listens where a camera was: asked often, as a TCP connection costs nothing."""

import asyncio
from collections.abc import Sequence

from ingest.address import CameraUrl
from ingest.destination import Destinations
from pipeline.errors import BadInput, Transient

_EVERY = 1.0
"""Seconds from one try to the next, and that one may take: so long after a camera's return it is
connected again at the latest. No login is tried, so no account is locked."""


async def listening(url: CameraUrl, destinations: Destinations | None) -> None:
    """Return when something listens at ``url``, or nothing may be connected to there any more."""
    while True:
        await asyncio.sleep(_EVERY)
        try:
            for host in await _hosts(url, destinations):
                if await _listens(host, url.port):
                    return
        except Transient:
            continue  # the name is not known now
        except BadInput:
            return


async def _hosts(url: CameraUrl, destinations: Destinations | None) -> Sequence[str]:
    if destinations is None:
        return [url.host]
    return await asyncio.to_thread(destinations.addresses, url)


async def _listens(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_EVERY):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:  # TimeoutError is one
        return False
    writer.transport.abort()
    return True
