"""A connection that is tried out: it is measured, or it becomes the camera's own."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from ingest.media_clock import TICKS
from ingest.observed import Observed
from ingest.source import Source
from ingest.tee import Tee
from ingest.troubles import Silent
from pipeline.messages import Capture

_LEAST = 1.0
"""Seconds of video from which a rate is told."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A camera's video: its size in pixels, rates a second, times in seconds.

    ``bit_rate`` is None where the camera's own coding is not seen. ``key_interval`` is None where
    there was no second key picture, ``clock_skew`` where the camera says no time of its own.
    ``first_picture`` is how long its first picture took, from before the connection on.
    """

    codec: str
    width: int
    height: int
    pictures_per_second: float
    bit_rate: float | None
    key_interval: float | None
    first_picture: float
    clock_skew: float | None


class Trial:
    """A source and its first connection, held open from its first picture on.

    It is a source itself: its first ``frames`` is that connection, each further one is a new one.

    Args:
        source: what is tried.
        tee: that the source tells of its video; of this trial alone.
        name: of the camera in errors; without its password.
    """

    def __init__(self, source: Source, tee: Tee, name: str) -> None:
        self.tee = tee
        self.after = -1
        """A media time: pictures of the open connection that are not after it are left out."""
        self._source = source
        self._name = name
        self._open: tuple[Capture, AsyncGenerator[Capture, None]] | None = None

    async def open(self, patience: float) -> Capture:
        """Connect; its first picture, which ``frames`` gives again.

        Raises:
            Silent: there is no picture in ``patience`` seconds.
            FaceapiError: as the source's ``frames`` says.
        """
        captures = self._source.frames()
        try:
            async with asyncio.timeout(patience):
                first = await anext(captures)
        except TimeoutError:
            await captures.aclose()
            raise Silent(f"{self._name}: no picture within {patience:g} s") from None
        except BaseException:
            await captures.aclose()
            raise
        self._open = first, captures
        return first

    def frames(self) -> AsyncGenerator[Capture, None]:
        """The connection that is open, from its first picture on; then new ones."""
        begun, self._open = self._open, None
        return self._onwards(*begun) if begun else self._source.frames()

    async def rest(self, seconds: float) -> None:
        """Wait as the source does."""
        await self._source.rest(seconds)

    async def close(self) -> None:
        """Let the connection go, if nobody took it; returns when it is gone."""
        begun, self._open = self._open, None
        if begun:
            await begun[1].aclose()

    async def _onwards(
        self, first: Capture, captures: AsyncGenerator[Capture, None]
    ) -> AsyncGenerator[Capture, None]:
        async with aclosing(captures):
            if first.media_time > self.after:
                yield first
            del first
            async for capture in captures:
                if capture.media_time > self.after:
                    yield capture
                del capture  # while the next one is waited for, this one must not be held


async def measured(trial: Trial, connecting: float, most: float) -> Measured:
    """What comes over a trial's open connection, which ends with this.

    Two key pictures are awaited, but no longer than ``most`` seconds. ``connecting`` is how long
    its first picture took.

    Raises:
        FaceapiError: the camera did not go on so long.
    """
    observed, began = trial.tee.observed.copy(), trial.tee.clock.latest
    ends, seconds = time.monotonic() + most, 0.0
    async with aclosing(trial.frames()) as captures:
        async for _ in captures:
            seconds = (trial.tee.clock.latest - began) / TICKS
            enough = trial.tee.observed.key_interval and seconds >= _LEAST
            if enough or time.monotonic() > ends:
                break
    return _measured(trial.tee.observed, observed, seconds, connecting)


def _measured(now: Observed, before: Observed, seconds: float, connecting: float) -> Measured:
    span, came = max(seconds, 1e-9), now.pictures - before.pictures
    return Measured(
        codec=now.codec,
        width=now.width,
        height=now.height,
        pictures_per_second=round(came / span, 1),
        bit_rate=round(8 * (now.coded_bytes - before.coded_bytes) / span) if came else None,
        key_interval=round(now.key_interval, 3) or None,
        first_picture=round(connecting, 3),
        clock_skew=now.clock_skew,
    )
