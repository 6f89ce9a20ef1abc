"""What is said over a websocket: cameras are subscribed to, and what happens on them is sent."""

import asyncio
import time
from collections import deque
from contextlib import aclosing, suppress
from typing import Protocol

from fastapi import WebSocket, WebSocketDisconnect
from starlette.types import Message
from starlette.websockets import WebSocketState

from api.http.admission import TOO_MANY
from api.live.engine import Results
from api.live.told import Told, unpacked
from api.live.wire import ProblemMessage, SubscribeMessage
from pipeline.messages import CameraId

STALLED = 4408
"""A close code of our own (RFC 6455, 7.4.2), after HTTP's 408."""
_ASKED, _PERIOD = 20, 10.0
"""Messages that may be sent in within so many seconds."""
_EXPECTED = 'expected {"type": "subscribe", "cameras": [ids] or null}'


class Encoding(Protocol):
    """How messages are written, agreed on as a subprotocol (RFC 6455, 1.9)."""

    subprotocol: str

    async def send(self, socket: WebSocket, told: Told) -> None:
        """Send a message."""

    def subscription(self, received: Message) -> SubscribeMessage:
        """What came in.

        Raises:
            ValueError: it is no subscription.
        """


class Json:
    """A text message is a JSON object; so it is if nothing is asked for."""

    subprotocol = "faceapi.v1.json"

    async def send(self, socket: WebSocket, told: Told) -> None:
        """Send a message."""
        await socket.send_text(told.json)

    def subscription(self, received: Message) -> SubscribeMessage:
        """What came in."""
        return SubscribeMessage.model_validate_json(received.get("text") or "")


class MessagePack:
    """A binary message is a MessagePack map, with the same keys."""

    subprotocol = "faceapi.v1.msgpack"

    async def send(self, socket: WebSocket, told: Told) -> None:
        """Send a message."""
        await socket.send_bytes(told.msgpack)

    def subscription(self, received: Message) -> SubscribeMessage:
        """What came in."""
        return SubscribeMessage.model_validate(unpacked(received.get("bytes") or b""))


_ENCODINGS: dict[str, Encoding] = {one.subprotocol: one for one in (Json(), MessagePack())}


def agreed(offered: list[str]) -> str | None:
    """The subprotocol that is spoken: the first of those offered that is known here."""
    return next((name for name in offered if name in _ENCODINGS), None)


class Conversation:
    """Sends what was subscribed to last, until the other side leaves or has to.

    Args:
        subprotocol: that was agreed on, None: JSON.
        stalled: seconds that sending may wait for a reader.
    """

    def __init__(
        self, socket: WebSocket, subprotocol: str | None, results: Results, stalled: float
    ) -> None:
        self._socket = socket
        self._encoding = _ENCODINGS[subprotocol or Json.subprotocol]
        self._results = results
        self._stalled = stalled
        self._asked = deque[float](maxlen=_ASKED)

    async def run(self) -> None:
        """Talk."""
        async with asyncio.TaskGroup() as group:
            sending: asyncio.Task[None] | None = None
            with suppress(WebSocketDisconnect):
                while received := await self._received():
                    try:
                        wanted = self._encoding.subscription(received)
                    except ValueError:
                        await self._send(Told(ProblemMessage(detail=_EXPECTED)))
                    else:
                        await _ended(sending)
                        sending = group.create_task(self._send_all(wanted))
            await _ended(sending)

    async def _received(self) -> Message | None:
        """The next message; None if there are too many, which ends it.

        Raises:
            WebSocketDisconnect: the other side left.
        """
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        now = time.monotonic()
        if len(self._asked) == _ASKED and now - self._asked[0] < _PERIOD:
            await self._close(TOO_MANY, f"more than {_ASKED} messages in {_PERIOD:g} s")
            return None
        self._asked.append(now)
        return message

    async def _send_all(self, wanted: SubscribeMessage) -> None:
        cameras = None if wanted.cameras is None else {CameraId(one) for one in wanted.cameras}
        with suppress(WebSocketDisconnect):  # the one who receives hears of it, too
            messages = self._results.subscribe(cameras, wanted.after, recent=wanted.recent)
            async with aclosing(messages):
                async for told in messages:
                    await self._send(told)

    async def _send(self, told: Told) -> None:
        """Send a message; who does not read is let go.

        Raises:
            WebSocketDisconnect: the other side is gone.
        """
        if not self._is_open:
            raise WebSocketDisconnect
        try:
            async with asyncio.timeout(self._stalled):
                await self._encoding.send(self._socket, told)
        except TimeoutError:
            await self._close(STALLED, f"nothing was read for {self._stalled:g} s")
            raise WebSocketDisconnect(STALLED) from None

    async def _close(self, code: int, reason: str) -> None:
        if self._is_open:
            await self._socket.close(code, reason)

    @property
    def _is_open(self) -> bool:
        """Whether nobody here has closed it: one task may, while another is about to send."""
        return self._socket.application_state is WebSocketState.CONNECTED


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
