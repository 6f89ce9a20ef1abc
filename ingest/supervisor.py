"""A source's life: connect, be lost, wait, connect again."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from ingest.load import LoadMeter, Overload
from ingest.source import Life, Source, State, StateChange
from pipeline.errors import BadInput, FaceapiError, Transient
from pipeline.messages import Capture


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a lost source is tried again."""

    first: float = 0.5
    """Seconds after the first failure."""
    most: float = 15.0
    """Seconds at most, before jitter."""
    factor: float = 2.0
    """How much longer each time."""
    jitter: float = 0.2
    """Part of a delay by which it is made longer or shorter at random, so that cameras that
    were lost together do not come back together; 0 for none."""

    def delays(self) -> Iterator[float]:
        """Seconds to wait after the first, second, ... failure in a row; without end."""
        chance, delay = secrets.SystemRandom(), self.first
        while True:
            yield delay * chance.uniform(1 - self.jitter, 1 + self.jitter)
            delay = min(delay * self.factor, self.most)


PATIENT = Backoff()


async def supervised(
    source: Source,
    *,
    backoff: Backoff = PATIENT,
    on_state: Callable[[StateChange], None] = lambda change: None,  # noqa: ARG005 - nobody listens
    clock: Callable[[], float] = time.monotonic,
    rest: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncGenerator[Capture, None]:
    """The frames of ``source`` over all its connections, until it ends or cannot be used.

    A connection that is lost (``Transient``) is made anew after a delay, which is short again
    once a frame has come. ``seq`` begins at 0 with each connection. ``on_state`` hears of every
    new state; it is called in the reader's task and must not wait. ``clock`` gives seconds.
    ``rest`` waits for that many of them, or until there is something to connect to.

    Raises:
        BadInput: the source cannot be used. Said by a camera that has worked before, it is
            treated as lost: cameras that start, and relays without their camera, say so too.
        Misconfigured: a person must change something first.
    """
    life, delays, worked = Life(on_state), backoff.delays(), False
    while True:
        life.become(State.CONNECTING)
        live = False
        try:
            async with aclosing(source.frames()) as captures:
                async for capture in captures:
                    if not live:
                        live = worked = True
                        delays = backoff.delays()
                        life.become(State.LIVE)
                        rate = _Rate(life, clock)
                    rate.took(capture.seq)
                    yield capture
                    del capture  # while the next one is waited for, this one must not be held
        except FaceapiError as error:
            reason = str(error)
            returns = isinstance(error, BadInput) and worked and not live
            if not returns and not isinstance(error, Transient):
                life.become(State.FAILED, reason)
                raise
        else:
            life.become(State.ENDED)
            return
        delay = next(delays)
        life.become(State.WAITING, reason, retry_in=delay)
        await rest(delay)


class _Rate:
    """Tells when too few of a connection's frames are taken, and when enough are again."""

    def __init__(self, life: Life, clock: Callable[[], float]) -> None:
        self._life = life
        self._meter, self._overload = LoadMeter(clock), Overload()
        self._taken = 0

    def took(self, seq: int) -> None:
        """The frame of this number was taken; those before it that were not are lost."""
        self._taken += 1
        load, before = self._meter.update(seq + 1, self._taken), self._overload.lasts
        if load is None or self._overload.update(load) == before:
            return
        if before:
            self._life.become(State.LIVE)
        else:
            reason = f"{load.got:.1f} of {load.asked:.1f} frames a second are analysed"
            self._life.become(State.OVERLOADED, reason, load=load)
