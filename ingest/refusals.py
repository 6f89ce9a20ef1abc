"""What FFmpeg says about a camera that does not play, as one of our errors."""

import av

from ingest.address import CameraUrl
from ingest.describe import login_refused
from pipeline.errors import BadInput, FaceapiError, Misconfigured, Transient


def refusal(url: CameraUrl, error: av.FFmpegError) -> FaceapiError:
    """Why the camera did not begin to play.

    To be raised outside the ``except`` that caught ``error``: that one holds the password, and
    would be chained. Wrong credentials are for a person to change (``Misconfigured``): trying
    them again and again may lock the account.
    """
    match error:
        case av.error.HTTPUnauthorizedError() | av.error.HTTPForbiddenError():
            return Misconfigured(f"{url}: {login_refused(url)}")
        case av.error.HTTPNotFoundError():
            return BadInput(f"{url}: there is no such stream (404); is the path right?")
        case _:
            return Transient(f"{url}: {_trouble(url, error)}")


def _trouble(url: CameraUrl, error: av.FFmpegError) -> str:
    match error:
        case av.error.ConnectionRefusedError():
            return "the connection was refused"
        case av.error.HTTPOtherClientError():
            return "it refuses to play: is there video in this stream, has it too many viewers?"
        case av.error.InvalidDataError() | av.error.ExitError() | av.error.TimeoutError():
            return "no answer, or none that an RTSP server gives"
        case av.error.OSError(errno=5):
            return "out of reach; is the host's name right?"
        case _:
            return url.redact(str(error.strerror))
