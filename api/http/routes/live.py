"""Live results: a ticket by HTTP, then a websocket."""

import asyncio
from contextlib import aclosing, suppress
from urllib.parse import urlsplit

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from api.http.routes.dependencies import Body, ServicesDep, SignedIn
from api.http.services import Services
from api.live.engine import Results
from api.live.wire import ProblemMessage, SubscribeMessage
from pipeline.messages import CameraId

router = APIRouter(prefix="/live", tags=["live"])

_NO_TICKET, _FOREIGN = 4401, 4403
"""Close codes of our own (RFC 6455, 7.4.2), after HTTP's 401 and 403."""
_EXPECTED = 'expected {"type": "subscribe", "cameras": [ids] or null}'


class Ticket(Body):
    """Opens one websocket; ``expires_in`` is in seconds."""

    ticket: str
    expires_in: int


@router.post("/tickets")
async def ticket(user: SignedIn, services: ServicesDep) -> Ticket:
    """Get a ticket for the websocket: a browser can send no token with it."""
    return Ticket(
        ticket=services.tickets.issue(user.id), expires_in=round(services.tickets.lifetime)
    )


@router.websocket("")
async def live(socket: WebSocket, services: ServicesDep, ticket: str = "") -> None:
    """What happens on the cameras that the browser subscribes to."""
    await socket.accept()
    if not _is_ours(socket, services):
        await socket.close(_FOREIGN, "this page may not listen; see BACKEND_ORIGINS")
    elif services.tickets.redeem(ticket) is None:
        await socket.close(_NO_TICKET, "the ticket is wrong, used or expired")
    else:
        await _converse(socket, services.results)


def _is_ours(socket: WebSocket, services: Services) -> bool:
    """Whether it comes from a page of this service, or from no page at all."""
    origin = socket.headers.get("origin")
    if origin is None or origin in services.settings.backend.foreign_origins:
        return True
    return urlsplit(origin).netloc == socket.headers.get("host")


async def _converse(socket: WebSocket, results: Results) -> None:
    """Send what was subscribed to last, until the other side leaves."""
    sending: asyncio.Task[None] | None = None
    try:
        while True:
            try:
                wanted = SubscribeMessage.model_validate_json(await _text(socket))
            except ValidationError:
                await socket.send_text(ProblemMessage(detail=_EXPECTED).model_dump_json())
                continue
            await _ended(sending)
            sending = asyncio.create_task(_send(socket, results, wanted))
    except WebSocketDisconnect:
        pass
    finally:
        await _ended(sending)


async def _text(socket: WebSocket) -> str:
    """The next message; what is no text is empty text.

    Raises:
        WebSocketDisconnect: the other side left.
    """
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"])
    return message.get("text") or ""


async def _send(socket: WebSocket, results: Results, wanted: SubscribeMessage) -> None:
    cameras = None if wanted.cameras is None else {CameraId(one) for one in wanted.cameras}
    with suppress(WebSocketDisconnect):  # the one who receives hears of it, too
        async with aclosing(results.subscribe(cameras)) as messages:
            async for message in messages:
                await socket.send_text(message.model_dump_json())


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
