"""How many websockets are open: in all, and for each user."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import prometheus_client
from prometheus_client import CollectorRegistry

from api.settings.sections import LiveSettings
from api.store.messages import UserId

TRY_AGAIN, TOO_MANY = 1013, 4429
"""Close codes: RFC 6455's registry, and one of our own after HTTP's 429."""


class Full(Exception):  # noqa: N818 - no error: a limit is reached
    """Nobody else is let in, with the close ``code`` that says so."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Admission:
    """Lets websockets in while there is room."""

    def __init__(self, settings: LiveSettings, registry: CollectorRegistry) -> None:
        self._most = settings.most_sockets
        self._most_per_user = settings.most_sockets_per_user
        self._open: Counter[UserId] = Counter()
        self._refused = prometheus_client.Counter(
            "faceapi_listeners_refused",
            "Websockets that were not let in because there were too many",
            registry=registry,
        )

    @contextmanager
    def admitted(self, user: UserId) -> Iterator[None]:
        """For as long as a websocket of a user is open.

        Raises:
            Full: there are too many.
        """
        try:
            self._check(user)
        except Full:
            self._refused.inc()
            raise
        self._open[user] += 1
        try:
            yield
        finally:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]

    def _check(self, user: UserId) -> None:
        if self._open[user] >= self._most_per_user:
            raise Full(
                TOO_MANY, f"{self._open[user]} are open for this user: LIVE_MOST_SOCKETS_PER_USER"
            )
        if self._open.total() >= self._most:
            raise Full(TRY_AGAIN, f"{self._most} are open: LIVE_MOST_SOCKETS")
