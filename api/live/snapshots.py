"""One picture of a camera, with what was seen on it."""

from contextlib import aclosing

from api.live.engine import Results
from api.live.video import Picture
from api.live.wire import FrameMessage
from pipeline.marked import Colour, marked
from pipeline.messages import Box, CameraId, Status

_KNOWN: Colour = (168, 224, 79)
_OTHERS: Colour = (92, 185, 255)
"""As the page has them: #4fe0a8, #ffb95c."""
_QUALITY = 85


async def next_picture(results: Results, camera: CameraId) -> Picture:
    """The next picture that is analysed.

    Raises:
        StopAsyncIteration: the camera is gone.
    """
    async with aclosing(results.pictures(camera)) as pictures:
        return await anext(pictures)


async def next_result(results: Results, camera: CameraId) -> tuple[Picture, FrameMessage]:
    """The next picture that is analysed, and its result; raises as ``next_picture`` does."""
    async with (
        aclosing(results.subscribe([camera])) as told,
        aclosing(results.pictures(camera)) as pictures,
    ):
        await anext(told)  # how things are now: its result is of before
        picture = await anext(pictures)
        async for one in told:
            if not isinstance(one.message, FrameMessage):
                continue
            while picture.seq < one.message.seq:  # its own result was not told
                picture = await anext(pictures)
            if picture.seq == one.message.seq:
                return picture, one.message
    raise StopAsyncIteration


def with_boxes(picture: Picture, result: FrameMessage) -> bytes:
    """A picture with a box around each face, green where it is known. Blocks."""
    boxes = [
        (Box(*face.box), _KNOWN if face.status is Status.KNOWN else _OTHERS)
        for face in result.faces
    ]
    return marked(picture.jpeg, boxes, _QUALITY)
