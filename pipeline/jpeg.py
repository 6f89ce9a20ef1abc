"""Pictures as bytes that any browser shows."""

import cv2

from pipeline.messages import Image


def jpeg(image: Image, quality: int) -> bytes:
    """``image`` as a JPEG; ``quality`` is 1 to 100 by libjpeg's scale. Blocks: run it in a lane."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:  # pragma: no cover - OpenCV refuses no uint8 picture that has pixels
        raise ValueError(f"no JPEG can be made of a picture of {image.shape}")
    return data.tobytes()
