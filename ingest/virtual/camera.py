"""The RTSP camera itself: it films clips for ever, or fails on demand."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from ingest.address import CameraUrl
from ingest.virtual.client import Client, Conditions
from ingest.virtual.clip import Clip
from ingest.virtual.requests import Credentials

_HERE = "127.0.0.1"


class VirtualCamera:
    """``clips`` by the names of their streams; RTP over TCP only; it runs while it is entered.

    Every client sees its clip from the beginning, in real time and looped, with a sender report
    before the first picture and then each second. The RTP clock begins at ``rtp_origin``, at
    random if that is None. Where its streams are ``together``, they show one scene, of clips of one
    length and rate: who comes later sees what is filmed by then, from the next key picture on.
    It listens on ``host``; ``port`` 0 is any free one.
    """

    def __init__(
        self,
        clips: Mapping[str, Clip],
        *,
        login: Credentials | None = None,
        host: str = _HERE,
        port: int = 0,
        rtp_origin: int | None = None,
        together: bool = False,
    ) -> None:
        self._host, self._port = host, port
        origin = secrets.randbits(32) if rtp_origin is None else rtp_origin
        self.sent = 0
        """Pictures sent so far, to all clients together."""
        flowing, answering = asyncio.Event(), asyncio.Event()
        since = time.time() if together else None
        self._conditions = Conditions(clips, login, origin, since, flowing, answering, self._count)
        self._conditions.flowing.set()
        self._conditions.answering.set()
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def url(self, stream: str) -> CameraUrl:
        """Where a stream is to be found, with the login if there is one."""
        login = self._conditions.login
        user, password = (login.user, login.password) if login else (None, None)
        return CameraUrl("rtsp", self._host, self._port, f"/{stream}", user, password)

    def kick(self) -> None:
        """Fault: drop every connection."""
        for writer in self._connections.values():
            writer.transport.abort()

    def stall(self) -> None:
        """Fault: send nothing more, but keep the connections."""
        self._conditions.flowing.clear()

    def resume(self) -> None:
        """End a ``stall``: what was held back comes at once, as after a jam in the network."""
        self._conditions.flowing.set()

    def mute(self) -> None:
        """Fault: accept connections, but answer nothing."""
        self._conditions.answering.clear()

    def garble(self, *, on: bool = True) -> None:
        """Fault: send noise in place of pictures, as a broken network or camera does."""
        self._conditions.garbled = on

    def misdate(self, seconds: float) -> None:
        """Fault: the clock leaps so far from the right time, and RTP timestamps with it."""
        self._conditions.clock_error = seconds

    def redirect(self, to: str = "") -> None:
        """Fault: drop every connection, and send whoever comes elsewhere; empty: end that."""
        self._conditions.elsewhere = to
        self.kick()

    def switch(self, stream: str) -> None:
        """Fault: send another stream over the same connections, with other parameter sets."""
        self._conditions.instead = stream

    def demand(self, login: Credentials) -> None:
        """Fault: drop every connection, and want another login."""
        self._conditions.login = login
        self.kick()

    def vanish(self) -> None:
        """Fault: as if its cable were pulled: connections stay half open, and none is accepted."""
        self._server.close()
        self._conditions.flowing.clear()

    async def reappear(self) -> None:
        """End a ``vanish``: it begins anew at the same port, and knows nobody."""
        self.kick()
        self._conditions.flowing.set()
        self._server = await asyncio.start_server(self._serve, self._host, self._port)

    def _count(self) -> None:
        self.sent += 1

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._connections)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self._conditions.answering.set()
        self.kick()  # asyncio reports a connection's task as an error if it is cancelled
        await asyncio.gather(*self._connections)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:  # pragma: no cover - asyncio runs this in a task
            return
        self._connections[task] = writer
        try:
            await Client(self._conditions, reader, writer).serve()
        finally:
            del self._connections[task]
