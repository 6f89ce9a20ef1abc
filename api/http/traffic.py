"""Requests as Prometheus sees them: how many, and how long until their answer began."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WAITS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_OTHER = "other"
"""What is no route or no method of ours: anybody can invent those, and each would be a series."""
_UNFORESEEN = 500
"""The status of an answer that is made outside, because nothing inside had one."""


class Traffic:
    """Middleware; websockets pass it uncounted.

    A route is told as it is written, such as /cameras/{camera}, without the API's prefix. It is
    measured until an answer begins: a video's has no end.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._requests = Counter(
            "faceapi_http_requests",
            "Requests that were answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self._waits = Histogram(
            "faceapi_http_request_seconds",
            "From a request to the beginning of its answer",
            ["method", "route"],
            buckets=_WAITS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._note(scope, status, began)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if not status:
                self._note(scope, _UNFORESEEN, began)

    def _note(self, scope: Scope, status: int, began: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        route = getattr(scope.get("route"), "path", _OTHER)
        self._requests.labels(method, route, str(status)).inc()
        self._waits.labels(method, route).observe(time.perf_counter() - began)
