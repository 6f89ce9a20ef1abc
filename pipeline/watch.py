"""A camera's frames, recognized and published, with a few of them in flight."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from pipeline.errors import first_of
from pipeline.messages import DetectedFace, Frame, Result
from pipeline.recognize import Recognizer

_Ahead = asyncio.Queue[tuple[Frame, asyncio.Task[Sequence[DetectedFace]]] | None]


async def watch(
    frames: AsyncIterator[Frame],
    recognizer: Recognizer,
    publish: Callable[[Frame, Result], None],
    window: int,
) -> None:
    """Recognize ``frames`` until they end; each is published with its result, in order.

    Up to ``window`` frames are in flight: faces are detected ahead, side by side in the lanes,
    while tracking goes frame by frame. The next frame is taken only when there is room for it,
    so that a camera's is the newest then. Whatever the frames or a stage raise comes out as
    it is.
    """
    ahead: _Ahead = asyncio.Queue()
    room = asyncio.Semaphore(window)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_detect_ahead(frames, recognizer, ahead, room, group))
            while (item := await ahead.get()) is not None:
                frame, detection = item
                publish(frame, await recognizer.identify(frame, await detection))
                room.release()
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None


async def _detect_ahead(
    frames: AsyncIterator[Frame],
    recognizer: Recognizer,
    ahead: _Ahead,
    room: asyncio.Semaphore,
    group: asyncio.TaskGroup,
) -> None:
    await room.acquire()
    async for frame in frames:
        ahead.put_nowait((frame, group.create_task(recognizer.detect(frame))))
        del frame  # while it waits for the next one, this task must not hold the picture
        await room.acquire()
    ahead.put_nowait(None)
