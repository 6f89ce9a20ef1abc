"""A source's life: connect, be lost, wait, connect again."""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from ingest.load import LoadMeter, Overload
from ingest.pulse import Pulse
from ingest.source import Life, Source, State, StateChange
from ingest.troubles import NOES, Cause, Forbidden, cause_of
from pipeline.errors import BadInput, FaceapiError, Transient
from pipeline.messages import Capture

_LOOK = 0.25
"""Seconds from one look at the pulse to the next."""


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
        delay = self.first
        while True:
            yield self._jittered(delay)
            delay = min(delay * self.factor, self.most)

    def soon(self) -> float:
        """Seconds to wait for what may come back at any moment."""
        return self._jittered(self.first)

    def _jittered(self, delay: float) -> float:
        return delay * secrets.SystemRandom().uniform(1 - self.jitter, 1 + self.jitter)


PATIENT = Backoff()


async def supervised(
    source: Source,
    *,
    backoff: Backoff = PATIENT,
    on_state: Callable[[StateChange], None] = lambda change: None,  # noqa: ARG005 - nobody listens
    clock: Callable[[], float] = time.monotonic,
    gives_up: bool = True,
    pulse: Pulse | None = None,
) -> AsyncGenerator[Capture, None]:
    """The frames of ``source`` over all its connections, until it ends or cannot be used.

    A connection that is lost (``Transient``) is made anew soon. A camera that says no (``NOES``)
    is asked again after a delay that grows, and is short again once a frame has come. ``seq``
    begins at 0 with each connection. ``on_state`` hears of every new state; it is called in the
    event loop and must not wait. ``clock`` gives seconds. ``pulse`` knows of every picture that
    comes, also of those that are not taken: without it nobody says that the source stalls.

    Raises:
        BadInput: the source cannot be used; if it does not ``give up``, only where it may not be
            connected to. Said by a camera that has worked before, it is treated as a no: cameras
            that start, and relays without their camera, say so too.
        Misconfigured: the camera does not let us in; never if it does not ``give up``.
    """
    life, delays, worked = Life(on_state), backoff.delays(), False
    while True:
        life.become(State.CONNECTING)
        connection = _Connection(life, clock, pulse)
        try:
            with connection:
                async with aclosing(source.frames()) as captures:
                    async for capture in captures:
                        connection.took(capture.seq)
                        yield capture
                        del capture  # while the next one is waited for, this must not be held
        except FaceapiError as error:
            reason, cause = str(error), cause_of(error)
            if not _heals(error, worked=worked and not connection.live, gives_up=gives_up):
                life.become(State.FAILED, reason, cause=cause)
                raise
            if connection.live:
                worked, delays = True, backoff.delays()
            delay = next(delays) if isinstance(error, NOES) else backoff.soon()
        else:
            life.become(State.ENDED)
            return
        life.become(State.WAITING, reason, retry_in=delay, cause=cause)
        await source.rest(delay)


def _heals(error: FaceapiError, *, worked: bool, gives_up: bool) -> bool:
    """Whether a camera that ended so may be there again without anybody's doing."""
    match error:
        case Transient():
            return True
        case Forbidden():
            return False
        case BadInput():
            return worked or (not gives_up and isinstance(error, NOES))
        case _:
            return not gives_up and isinstance(error, NOES)


class _Connection:
    """Says of one connection whether pictures come, and whether enough of them are taken.

    It is entered for as long as frames are awaited.
    """

    def __init__(self, life: Life, clock: Callable[[], float], pulse: Pulse | None) -> None:
        self.live = False
        """Whether it has given a picture, also one that still waits for its turn."""
        self._life = life
        self._clock = clock
        self._pulse = pulse
        self._stalled = False
        self._first = self._taken = 0
        """Since it flows: the number of the first frame that was taken, and how many were."""
        self._meter, self._overload = LoadMeter(clock), Overload()
        self._looking: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        if self._pulse is not None:
            self._pulse.begin()  # what came before was another connection's
        self._look_again()

    def __exit__(self, *_: object) -> None:
        if self._looking is not None:
            self._looking.cancel()

    def took(self, seq: int) -> None:
        """The frame of this number was taken; those before it that were not are lost."""
        if not self.live or self._stalled:
            self._flow()
        if self._taken == 0:
            self._first = seq
        self._taken += 1
        offered, before = seq - self._first + 1, self._overload.lasts
        load = self._meter.update(offered, self._taken)
        if load is None or self._overload.update(load) == before:
            return
        if before:
            self._life.become(State.LIVE)
        else:
            reason = f"{load.got:.1f} of {load.asked:.1f} frames a second are analysed"
            self._life.become(State.OVERLOADED, reason, load=load)

    def _flow(self) -> None:
        """Frames come, for the first time or again: how many are taken is measured from here."""
        self.live, self._stalled = True, False
        self._meter, self._overload, self._taken = LoadMeter(self._clock), Overload(), 0
        self._life.become(State.LIVE)

    def _look_again(self) -> None:
        if self._pulse is not None:
            loop = asyncio.get_running_loop()
            self._looking = loop.call_later(_LOOK, self._look, self._pulse)

    def _look(self, pulse: Pulse) -> None:
        stalled = pulse.stalled
        if (self._stalled and not stalled) or (not self.live and pulse.came):
            self._flow()
        elif self.live and stalled and not self._stalled:
            self._stalled = True
            reason = f"no picture for {pulse.silence:.1f} s"
            self._life.become(State.STALLED, reason, cause=Cause.TIMEOUT)
        self._look_again()
