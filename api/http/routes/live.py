"""Live results: a ticket by HTTP, then a websocket."""

from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket

from api.http.admission import Full
from api.http.conversation import Conversation, agreed
from api.http.routes.dependencies import Body, ServicesDep, SignedIn
from api.http.services import Services

router = APIRouter(prefix="/live", tags=["live"])

_NO_TICKET, _FOREIGN = 4401, 4403
"""Close codes of our own (RFC 6455, 7.4.2), after HTTP's 401 and 403."""


class Ticket(Body):
    """Opens one websocket; ``expires_in`` is in seconds."""

    ticket: str
    expires_in: int


@router.post("/tickets")
async def ticket(user: SignedIn, services: ServicesDep) -> Ticket:
    """Get a ticket for the websocket: a browser can send no token with it.

    The websocket is `live?ticket=...`, with the subprotocol `faceapi.v1.json` or
    `faceapi.v1.msgpack`. Send `{"type": "subscribe", "cameras": [ids]}`, with `after` (`epoch` and
    `cursor`) to go on where another one ended. A ticket opens one websocket.
    """
    return Ticket(
        ticket=services.tickets.issue(user.id), expires_in=round(services.tickets.lifetime)
    )


@router.websocket("")
async def live(socket: WebSocket, services: ServicesDep, ticket: str = "") -> None:
    """What happens on the cameras that the browser subscribes to."""
    subprotocol = agreed(socket.scope["subprotocols"])
    await socket.accept(subprotocol)
    user = services.tickets.redeem(ticket)
    if not _is_ours(socket, services):
        await socket.close(_FOREIGN, "this page may not listen; see BACKEND_ORIGINS")
    elif user is None:
        await socket.close(_NO_TICKET, "the ticket is wrong, used or expired")
    else:
        stalled = services.settings.live.stalled
        try:
            with services.admission.admitted(user):
                await Conversation(socket, subprotocol, services.results, stalled).run()
        except Full as full:
            await socket.close(full.code, str(full))


def _is_ours(socket: WebSocket, services: Services) -> bool:
    """Whether it comes from a page of this service, or from no page at all."""
    origin = socket.headers.get("origin")
    if origin is None or origin in services.settings.backend.foreign_origins:
        return True
    return urlsplit(origin).netloc == socket.headers.get("host")
