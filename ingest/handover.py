"""Pictures from the thread that decodes them to the task that reads them."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

from pipeline.errors import FaceapiError
from pipeline.mailbox import Mailbox, Turn
from pipeline.messages import Capture


class Stopped(Exception):  # noqa: N818 - no error: the reader has gone
    """Raised in the decoding thread when nobody reads any more."""


class Handover:
    """Up to ``capacity`` captures lie ready for the reader.

    When it is full, ``lossless`` makes the decoding thread wait (a file); otherwise the oldest
    capture is dropped (a camera), and never becomes an image. ``put`` and ``pause`` are for the
    decoding thread, the rest is for the event loop in which it was made. ``turn`` is waited for
    before a capture is taken.
    """

    def __init__(self, capacity: int, *, lossless: bool, turn: Turn = nullcontext) -> None:
        self.taken = 0
        """Captures that the reader took so far."""
        self._captures = Mailbox[Capture](capacity, turn=turn)  # full: the oldest goes
        self._room = threading.Semaphore(capacity) if lossless else None
        self._stopped = threading.Event()

    def put(self, capture: Capture) -> None:
        """Leave a picture; raises ``Stopped`` when nobody reads any more."""
        if self._room is not None:
            self._room.acquire()
        if self._stopped.is_set():
            raise Stopped
        self._captures.put(capture)

    def pause(self, seconds: float) -> None:
        """Wait; raises ``Stopped`` as soon as the reader goes."""
        # To look costs a hundredth of a wait for no time, which is made for every packet.
        if self._stopped.is_set() or (seconds > 0 and self._stopped.wait(seconds)):
            raise Stopped

    def stop(self) -> None:
        """The reader goes."""
        self._stopped.set()
        if self._room is not None:
            self._room.release()

    def close(self, error: BaseException | None) -> None:
        """There are no more: the reader ends after the last one, or with ``error``."""
        self._captures.close(error)

    async def __aiter__(self) -> AsyncIterator[Capture]:
        async for capture in self._captures:
            if self._room is not None:
                self._room.release()
            self.taken += 1
            yield capture
            del capture  # while the next one is waited for, this one must not be held


async def decoded(
    decode: Callable[[Handover], None], handover: Handover, name: str
) -> AsyncGenerator[Capture, None]:
    """What ``decode`` leaves in ``handover``, running on a thread of its own called ``name``.

    Ends when ``decode`` returns, or with what it raised. When the reader goes, ``decode`` is
    stopped and awaited: no thread is left behind.
    """
    lane = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
    running = asyncio.get_running_loop().run_in_executor(lane, _until_stopped, decode, handover)
    running.add_done_callback(lambda ended: handover.close(ended.exception()))
    lane.shutdown(wait=False)
    try:
        async for capture in handover:
            yield capture
            del capture
    finally:
        handover.stop()
        await asyncio.wait([running])
        lane.shutdown()


def _until_stopped(decode: Callable[[Handover], None], handover: Handover) -> None:
    try:
        decode(handover)
    except Stopped:
        return
    except FaceapiError as error:
        # Its text says all; among the locals of its traceback is a container with the password.
        raise error.with_traceback(None) from error.__cause__
