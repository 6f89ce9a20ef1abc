"""A camera's frames, recognized and published, with a few of them in flight."""

import asyncio
from collections.abc import AsyncIterator, Callable

from pipeline.errors import first_of
from pipeline.messages import Capture, Detected, Frame, Result
from pipeline.recognize import Recognizer

_Ahead = asyncio.Queue[asyncio.Task[Detected] | None]


async def watch(
    captures: AsyncIterator[Capture],
    recognizer: Recognizer,
    publish: Callable[[Frame, Result], None],
    window: int,
) -> None:
    """Recognize ``captures`` until they end; each is published with its result, in order.

    Up to ``window`` frames are in flight: faces are detected ahead, side by side in the lanes,
    while tracking goes frame by frame. The next frame is taken only when there is room for it,
    so that a camera's is the newest then. Whatever the captures or a stage raise comes out as
    it is.
    """
    ahead: _Ahead = asyncio.Queue()
    room = asyncio.Semaphore(window)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_detect_ahead(captures, recognizer, ahead, room, group))
            while (detection := await ahead.get()) is not None:
                detected = await detection
                publish(detected.frame, await recognizer.identify(detected))
                room.release()
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None


async def _detect_ahead(
    captures: AsyncIterator[Capture],
    recognizer: Recognizer,
    ahead: _Ahead,
    room: asyncio.Semaphore,
    group: asyncio.TaskGroup,
) -> None:
    await room.acquire()
    async for capture in captures:
        ahead.put_nowait(group.create_task(recognizer.detect(capture)))
        del capture  # while it waits for the next one, this task must not hold the picture
        await room.acquire()
    ahead.put_nowait(None)
