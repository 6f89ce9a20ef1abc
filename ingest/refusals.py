"""What FFmpeg says about a camera that does not play, as one of our errors."""

import errno

import av

from ingest.address import CameraUrl
from ingest.describe import login_refused
from ingest.troubles import (
    Garbage,
    Lost,
    NoSuchStream,
    NoTransport,
    Refused,
    Unauthorized,
    Unreachable,
)
from pipeline.errors import FaceapiError


def refusal(url: CameraUrl, error: av.FFmpegError) -> FaceapiError:
    """Why the camera did not begin to play.

    To be raised outside the ``except`` that caught ``error``: that one holds the password, and
    would be chained.
    """
    match error:
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            return Unauthorized(f"{url}: {login_refused(url)}")
        case av.error.HTTPNotFoundError():
            return NoSuchStream(f"{url}: there is no such stream (404); is the path right?")
        case av.error.HTTPOtherClientError():
            return Refused(
                f"{url}: it refuses to play: is there video in it, has it too many viewers?"
            )
        case av.error.InvalidDataError() | av.error.ExitError() | av.error.TimeoutError():
            return Garbage(f"{url}: no answer, or none that an RTSP server gives")
        case _:
            return _lost(url, error)


def _lost(url: CameraUrl, error: av.FFmpegError) -> FaceapiError:
    match error:
        case av.error.ConnectionRefusedError():
            return Unreachable(f"{url}: the connection was refused")
        case av.error.OSError(errno=errno.EPROTONOSUPPORT):
            return NoTransport(
                f"{url}: it does not send in this way; options.transport may be tcp, udp or auto"
            )
        case av.error.OSError(errno=5):
            return Unreachable(f"{url}: out of reach; is the host's name right?")
        case _:
            return Lost(f"{url}: {url.redact(str(error.strerror))}")
