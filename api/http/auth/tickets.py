"""Tickets for websockets: a browser sends no header with one, and a token in an address leaks."""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable

from api.store.messages import UserId

_BYTES = 24
"""Of chance in a ticket."""


class Tickets:
    """Each opens one websocket, soon.

    Args:
        lifetime: seconds.
        most: tickets that wait to be used; then the oldest is worth nothing.
        most_per_user: of these, those of one user: nobody pushes out anybody else's.
    """

    def __init__(
        self,
        lifetime: float = 30.0,
        most: int = 10_000,
        most_per_user: int = 200,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lifetime = lifetime
        self._most = most
        self._most_per_user = most_per_user
        self._clock = clock
        self._waiting: OrderedDict[str, tuple[UserId, float]] = OrderedDict()
        """Oldest first."""

    def issue(self, user: UserId) -> str:
        """A ticket for a user."""
        self._forget_expired()
        own = [ticket for ticket, (whose, _) in self._waiting.items() if whose == user]
        if len(own) >= self._most_per_user:
            del self._waiting[own[0]]
        if len(self._waiting) >= self._most:
            self._waiting.popitem(last=False)
        ticket = secrets.token_urlsafe(_BYTES)
        self._waiting[ticket] = (user, self._clock() + self.lifetime)
        return ticket

    def redeem(self, ticket: str) -> UserId | None:
        """Whose ticket it is; None if it is wrong, used or expired."""
        self._forget_expired()
        user, _ = self._waiting.pop(ticket, (None, 0.0))
        return user

    def _forget_expired(self) -> None:
        while self._waiting:
            ticket, (_, ends) = next(iter(self._waiting.items()))
            if ends > self._clock():
                return
            del self._waiting[ticket]
