"""A source's life: connect, be lost, wait, connect again."""

import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from ingest.load import LoadMeter, Overload
from ingest.source import Life, Source, State, StateChange
from ingest.troubles import NOES, Forbidden, cause_of
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
) -> AsyncGenerator[Capture, None]:
    """The frames of ``source`` over all its connections, until it ends or cannot be used.

    A connection that is lost (``Transient``) is made anew soon. A camera that says no (``NOES``)
    is asked again after a delay that grows, and is short again once a frame has come. ``seq``
    begins at 0 with each connection. ``on_state`` hears of every new state; it is called in the
    reader's task and must not wait. ``clock`` gives seconds.

    Raises:
        BadInput: the source cannot be used; if it does not ``give up``, only where it may not be
            connected to. Said by a camera that has worked before, it is treated as a no: cameras
            that start, and relays without their camera, say so too.
        Misconfigured: the camera does not let us in; never if it does not ``give up``.
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
            reason, cause = str(error), cause_of(error)
            if not _heals(error, worked=worked and not live, gives_up=gives_up):
                life.become(State.FAILED, reason, cause=cause)
                raise
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
