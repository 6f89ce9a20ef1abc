"""Pictures as they arrive on a device."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from pipeline.graphs.upload import CHROMA, LUMA, PIXELS, nv12_upload
from pipeline.messages import Image


def converted(nv12: np.ndarray, height: int, width: int) -> Image:
    session = onnxruntime.InferenceSession(
        nv12_upload().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    planes = {
        LUMA: nv12[:height],
        CHROMA: nv12[height:].reshape(height // 2, width // 2, 2),
    }
    (pixels,) = session.run([PIXELS], planes)
    return np.asarray(pixels, np.uint8).reshape(height, width, 3)


def as_nv12(image: Image) -> np.ndarray:
    """By OpenCV: planes of Y, U and V, and the last two taken in turn."""
    height, width = image.shape[:2]
    planes = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)
    chroma = planes[height:].reshape(2, -1)
    return np.vstack([planes[:height], chroma.T.reshape(height // 2, width)])


def test_a_frame_in_nv12_becomes_the_bgr_that_opencv_makes_of_it(test_data: Path) -> None:
    read, frame = cv2.VideoCapture(
        str(test_data / "clips" / "face-demographics-walking.mp4")
    ).read()
    assert read
    height, width = frame.shape[:2]
    nv12 = as_nv12(np.asarray(frame, np.uint8))
    expected = cv2.cvtColor(nv12, cv2.COLOR_YUV2BGR_NV12).astype(int)
    apart = np.abs(converted(nv12, height, width).astype(int) - expected)
    assert apart.max() <= 1
    assert apart.mean() <= 0.1


@pytest.mark.parametrize(
    ("levels", "bgr"),
    [
        ((16, 128, 128), (0, 0, 0)),
        ((235, 128, 128), (255, 255, 255)),
        ((255, 255, 255), (255, 125, 255)),
    ],
)
def test_black_white_and_what_is_beyond_are_in_range(
    levels: tuple[int, int, int], bgr: tuple[int, int, int]
) -> None:
    luma, u, v = levels
    nv12 = np.full((6, 6), luma, np.uint8)
    nv12[4:, ::2], nv12[4:, 1::2] = u, v
    pixels = converted(nv12, 4, 6)
    assert np.abs(pixels.astype(int) - bgr).max() <= 1
