"""uvicorn's websocket, with bounds to what a peer that does not read can hold.

As it comes, closing waits behind what the peer does not read, a transport that is closed keeps what
is unsent for as long as the peer lives, and pings are answered however many answers lie there.
"""

import asyncio
import socket
from asyncio.transports import BaseTransport

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

PING_EVERY, PONG_WITHIN, CLOSED_WITHIN = 10.0, 10.0, 5.0
"""Seconds; a peer that is gone without a word is noticed and let go within their sum."""
_UNSENT = 32 << 10
"""Bytes that wait here, and as many in the kernel, before sending waits."""


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A websocket whose peer may stop reading."""

    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound what may wait: the kernel would take megabytes, and nobody would notice."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=_UNSENT)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    async def send(self, message: ASGISendEvent) -> None:
        """Send when there is room; a close goes at once, behind what is there."""
        if message["type"] == "websocket.close":
            self.writable.set()
            await super().send(message)
            self._end_soon()
            return
        await self.writable.wait()
        if self.close_sent and self.handshake_complete:
            raise ClientDisconnected
        await super().send(message)

    def handle_ping(self) -> None:
        """Answer, unless answers are not read: of several pings any may stay without (RFC 6455)."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # made already, and dropped

    def handle_close(self, event: Frame) -> None:
        """The peer goes, whether or not it reads what is left."""
        super().handle_close(event)
        self._end_soon()

    def handle_parser_exception(self) -> None:
        """What it sent is no websocket, or too large."""
        super().handle_parser_exception()
        self._end_soon()

    def keepalive_timeout(self) -> None:
        """It did not answer a ping."""
        super().keepalive_timeout()
        self._end_soon()

    def _end_soon(self) -> None:
        """A transport that is closed waits for its peer to read; not for long."""
        if self._end is None and not self.disconnected:
            self._end = self.loop.call_later(CLOSED_WITHIN, self.transport.abort)
