"""Another stream of a camera than the one that is analysed: connected only while it is wanted."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from ingest.decode import Painter
from ingest.detail import DetailPictures
from ingest.observed import Observed
from ingest.roles import StreamRole
from ingest.same_moment import SameMoment
from ingest.source import Source, State, StateChange
from ingest.supervisor import Backoff, supervised
from ingest.tee import Tee
from pipeline.errors import FaceapiError

_LINGER = 10.0
"""Seconds that a connection outlives its last viewer: who reloads a page sees something at once."""


Wish = Callable[[], bool]
"""Whether all pictures of a stream are of use now."""


@dataclass(frozen=True, slots=True)
class SecondStatus:
    """How a further stream of a camera is.

    ``state`` is None while it is not wanted, ``since`` in Unix seconds. ``exact`` says that its
    pictures are matched with the analysed ones by the camera's own clock.
    """

    roles: tuple[StreamRole, ...]
    state: State | None
    reason: str
    since: float
    exact: bool
    observed: Observed

    @property
    def is_live(self) -> bool:
        """Whether its pictures come."""
        return self.state in (State.LIVE, State.OVERLOADED)


class SecondStream:
    """One more connection to a camera, for viewers, for details, or for both.

    For details it is always connected, and all its pictures are decoded while somebody asks for
    some. For viewers it is connected while somebody views, and only key pictures are decoded where
    they can be played as they are. ``view`` and ``leave`` are called in the event loop.

    Args:
        name: the camera's.
        roles: what it is for.
        analysed: what comes of the stream that is analysed; it is masked alike.
        connect: makes the source that tells a tee; it asks whether all its pictures are to be
            decoded now, or key pictures alone, and what viewers need.
        on_thread: called on each thread that encodes, before anything else.
    """

    def __init__(
        self,
        name: str,
        roles: tuple[StreamRole, ...],
        analysed: Tee,
        connect: Callable[[Tee, Wish], Source],
        backoff: Backoff,
        on_thread: Callable[[], None],
    ) -> None:
        self.roles = roles
        self.timing = SameMoment(analysed.own_time)
        self.detail = DetailPictures(Painter(analysed.masking))
        self.tee = Tee(name, on_thread, analysed.masking, self.timing, self.detail.add)
        self.on_lost: Callable[[], None] = lambda: None
        """Called in the event loop when its pictures come no more."""
        self._backoff = backoff
        self._source = connect(self.tee, self._wants_all)
        self._change: StateChange | None = None
        self._since = time.time()
        self._wanted, self._unwanted = asyncio.Event(), asyncio.Event()
        self._want(StreamRole.DETAIL in roles)

    def view(self) -> None:
        """Somebody views it."""
        self._want(True)

    def leave(self) -> None:
        """Nobody views it any more."""
        self._want(StreamRole.DETAIL in self.roles)

    @property
    def status(self) -> SecondStatus:
        """How it is."""
        return SecondStatus(
            self.roles,
            self._change.state if self._change else None,
            self._change.reason if self._change else "",
            self._since,
            self.timing.exact,
            self.tee.observed.copy(),
        )

    async def run(self) -> None:
        """Be connected while it is wanted, and a little longer; never returns."""
        while True:
            await self._wanted.wait()
            async with asyncio.TaskGroup() as group:
                connection = group.create_task(self._connected())
                await self._let_go()
                connection.cancel()

    def _want(self, wanted: bool) -> None:
        (self._wanted if wanted else self._unwanted).set()
        (self._unwanted if wanted else self._wanted).clear()

    async def _let_go(self) -> None:
        """Return when it was not wanted for a while."""
        while True:
            await self._unwanted.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._wanted.wait()
            if not self._wanted.is_set():
                return

    async def _connected(self) -> None:
        frames = supervised(
            self._source,
            backoff=self._backoff,
            on_state=self.became,
            gives_up=False,
            pulse=self.tee.pulse,
        )
        try:
            async with aclosing(frames):
                async for _ in frames:
                    pass  # they are taken where they are decoded
        except FaceapiError:
            await asyncio.Event().wait()  # told as its state; a person must change something first
        finally:
            self.became(None)

    def became(self, change: StateChange | None) -> None:
        """It is in another state; None: it is not wanted."""
        self._change, self._since = change, time.time()
        if change is None or change.state not in (State.LIVE, State.OVERLOADED):
            self.detail.clear()
            self.on_lost()

    def _wants_all(self) -> bool:
        return StreamRole.DETAIL in self.roles and self.detail.wanted
