"""What holds for every request: an id, a limit to what is sent in, and careful headers."""

import asyncio
import uuid
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PATIENCE = 60.0
"""Seconds for a request's body to arrive."""
_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' blob:; script-src 'self';"
    " style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page needs; docker/frontend/nginx.conf has the same. 'self' is its websocket, too."""
_CAREFUL = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Requests:
    """Middleware.

    Args:
        limit: bytes of a request's body.
        private: path under which answers are kept by nobody on their way.
    """

    def __init__(self, app: ASGIApp, limit: int, private: str) -> None:
        self._app = app
        self._limit = limit
        self._private = private

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = uuid.uuid4().hex
        await self._app(scope, self._limited(receive), self._labelled(scope, send))

    def _limited(self, receive: Receive) -> Receive:
        """Breaks off what is too long or takes too long."""
        received, ends = 0, asyncio.get_running_loop().time() + _PATIENCE
        complete = False

        async def limited() -> Message:
            nonlocal received, complete
            if complete:  # from here on only the other side's leaving is waited for
                return await receive()
            try:
                async with asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    HTTPStatus.REQUEST_TIMEOUT, f"not sent within {_PATIENCE:g} s"
                ) from None
            complete = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"more than {self._limit >> 20} MB; allowed: BACKEND_UPLOAD_LIMIT",
                )
            return message

        return limited

    def _labelled(self, scope: Scope, send: Send) -> Send:
        private = scope["path"].startswith(self._private)

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = scope["request_id"]
                for name, value in _CAREFUL.items():
                    headers.setdefault(name, value)
                if private:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return labelled
