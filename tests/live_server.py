"""The websocket of live results as the program serves it, with nothing behind it but a hub."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import uvicorn
from prometheus_client import CollectorRegistry

from api.http.admission import Admission
from api.http.app import bare_app
from api.http.auth.tickets import Tickets
from api.http.bounded_websocket import BoundedWebSocket
from api.http.services import Services
from api.live.hub import Hub
from api.program.program import server_config
from api.settings.sections import LiveSettings
from api.settings.settings import Settings
from api.store.messages import UserId


@dataclass(frozen=True, slots=True, eq=False)
class LiveServer:
    """A server on 127.0.0.1, and what lies behind it."""

    port: int
    hub: Hub
    tickets: Tickets
    registry: CollectorRegistry
    server: uvicorn.Server

    def address(self, user: str = "admin") -> str:
        """Where a websocket is opened, once, by a user."""
        ticket = self.tickets.issue(UserId(user))
        return f"ws://127.0.0.1:{self.port}/api/v1/live?ticket={ticket}"

    @property
    def sockets(self) -> list[BoundedWebSocket]:
        """The server's ends of the websockets that are there."""
        ends = self.server.server_state.connections
        return [end for end in ends if isinstance(end, BoundedWebSocket)]


@asynccontextmanager
async def live_server(live: LiveSettings, most_tickets: int = 200) -> AsyncIterator[LiveServer]:
    """Serve until it is left."""
    registry, settings = CollectorRegistry(), Settings(live=live)
    hub, tickets = Hub(registry, live), Tickets(600, most_tickets, most_tickets)
    behind = SimpleNamespace(
        settings=settings, tickets=tickets, results=hub, admission=Admission(live, registry)
    )
    app = bare_app(settings)
    app.state.services = cast(Services, behind)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as door:
        server = uvicorn.Server(server_config(app))
        serving = asyncio.create_task(server.serve(sockets=[door]))
        try:
            yield LiveServer(door.getsockname()[1], hub, tickets, registry, server)
        finally:
            server.should_exit = server.force_exit = True
            await serving
