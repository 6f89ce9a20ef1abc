"""Whatever yields frames, and the states its connection goes through."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ingest.load import Load
from ingest.troubles import Cause
from pipeline.messages import Capture


class Source(Protocol):
    """A camera or a file."""

    def frames(self) -> AsyncGenerator[Capture, None]:
        """Connect, then yield frames in the order they were taken.

        Each call is a connection of its own. Closing the generator (``contextlib.aclosing``, or
        cancelling the task that reads it) returns when its thread and its socket are gone.

        Raises:
            Transient: lost or out of reach; to be called again later.
            BadInput: what is there is no video that can be used.
            Misconfigured: a person must change something first, such as the password.
        """

    async def rest(self, seconds: float) -> None:
        """Wait so long before it is tried again, or until there is something to connect to."""


class State(StrEnum):
    """Where a supervised source is in its life."""

    CONNECTING = "connecting"
    LIVE = "live"
    """Frames arrive."""
    OVERLOADED = "overloaded"
    """Frames arrive, and many of them cannot be analysed: there is more to do than time."""
    STALLED = "stalled"
    """It is connected, and no picture has come for a while; soon it counts as lost."""
    WAITING = "waiting"
    """Out of reach; it is tried again after a while."""
    FAILED = "failed"
    """It cannot be used until a person changes something."""
    ENDED = "ended"
    """A file's last frame was given."""


_OVER = (State.WAITING, State.FAILED, State.ENDED)
CONNECTED = (State.LIVE, State.OVERLOADED, State.STALLED)
"""The states of a connection that has given a picture."""
MOVES: Mapping[State, frozenset[State]] = {
    State.CONNECTING: frozenset({State.LIVE, State.WAITING, State.FAILED, State.ENDED}),
    State.LIVE: frozenset({State.OVERLOADED, State.STALLED, *_OVER}),
    State.OVERLOADED: frozenset({State.LIVE, State.STALLED, *_OVER}),
    State.STALLED: frozenset({State.LIVE, *_OVER}),
    State.WAITING: frozenset({State.CONNECTING}),
    State.FAILED: frozenset(),
    State.ENDED: frozenset(),
}
"""What may follow on what; everything begins with ``CONNECTING``."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A source is in a new state.

    ``reason`` is the text of the error that led there, empty where there was none.
    ``retry_in`` is the number of seconds until it is tried again, None unless it waits. ``load`` is
    what it offers and what is taken of it, None unless it is overloaded. ``cause`` is the kind of
    error, None where there was none or it is about no camera.
    """

    state: State
    reason: str = ""
    retry_in: float | None = None
    load: Load | None = None
    cause: Cause | None = None


class Life:
    """The state of one source, told to ``on_state`` whenever it changes."""

    def __init__(self, on_state: Callable[[StateChange], None]) -> None:
        self._on_state = on_state
        self._state: State | None = None

    def become(
        self,
        state: State,
        reason: str = "",
        retry_in: float | None = None,
        load: Load | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Move on to another state.

        Raises:
            ValueError: nothing goes from the present state to that one.
        """
        if state not in (MOVES[self._state] if self._state else {State.CONNECTING}):
            raise ValueError(f"a source cannot go from {self._state or 'nothing'} to {state}")
        self._state = state
        self._on_state(StateChange(state, reason, retry_in, load, cause))
