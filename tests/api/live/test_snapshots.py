"""A picture and the result that is its own."""

import asyncio
from collections.abc import AsyncGenerator, Collection

import cv2
import numpy as np
import pytest

from api.live.snapshots import next_result, with_boxes
from api.live.told import Told
from api.live.video import Picture
from api.live.wire import FaceMessage, FrameMessage, Position, SnapshotMessage
from pipeline.jpeg import jpeg
from pipeline.messages import CameraId, Status

GATE = CameraId("gate")


def frame(seq: int, *faces: FaceMessage) -> FrameMessage:
    return FrameMessage(
        camera=GATE,
        seq=seq,
        media_time=seq,
        captured_at=0.0,
        rtp_timestamp=None,
        width=64,
        height=48,
        faces=faces,
    )


class Scripted:
    """Results of some numbers, and pictures of others."""

    def __init__(self, results: Collection[int], pictures: Collection[int]) -> None:
        self._results, self._pictures = results, pictures

    async def subscribe(
        self, cameras: Collection[CameraId] | None, after: Position | None = None
    ) -> AsyncGenerator[Told, None]:
        assert (cameras, after) == ([GATE], None)
        yield Told(SnapshotMessage(max_age=1.0, epoch="", cursor=0, cameras=(), frames=(frame(3),)))
        for seq in self._results:
            yield Told(frame(seq))
        await asyncio.Event().wait()

    async def pictures(self, camera: CameraId) -> AsyncGenerator[Picture, None]:
        assert camera == GATE
        for seq in self._pictures:
            yield Picture(seq, seq, 0.0, b"")

    async def coded(self, camera: CameraId) -> AsyncGenerator[object, None]:
        raise NotImplementedError
        yield camera


@pytest.mark.parametrize(
    ("results", "pictures", "seq"),
    [([4, 5, 6], [5, 6], 5), ([4, 6, 7], [5, 7], 7), ([7], [4, 5, 6, 7], 7), ([4, 8], [8], 8)],
)
async def test_a_picture_comes_with_its_own_result(
    results: list[int], pictures: list[int], seq: int
) -> None:
    async with asyncio.timeout(10):
        picture, result = await next_result(Scripted(results, pictures), GATE)  # type: ignore[arg-type] # it has no video
    assert (picture.seq, result.seq) == (seq, seq)


async def test_a_camera_that_goes_shows_nothing() -> None:
    with pytest.raises(StopAsyncIteration):
        await next_result(Scripted([9], [1, 2]), GATE)  # type: ignore[arg-type] # as above


def test_who_is_known_has_a_green_box_and_others_an_amber_one() -> None:
    def face(left: float, status: Status) -> FaceMessage:
        return FaceMessage(
            track=1,
            box=(left, 10.0, 20.0, 20.0),
            detection_score=0.9,
            status=status,
            person=None,
            name=None,
            similarity=None,
        )

    black = jpeg(np.zeros((48, 64, 3), np.uint8), 95)
    result = frame(1, face(5, Status.KNOWN), face(35, Status.UNKNOWN))
    data = with_boxes(Picture(1, 1, 0.0, black), result)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image[20, 15].max() < 60  # inside
    known, other = image[10, 15].astype(int), image[10, 45].astype(int)
    assert known[1] > known[2]  # more green than red
    assert other[2] > other[1]
