"""What can be wrong with a camera, by what heals it.

Their texts say what, where and what to do, and never a password.
"""

from enum import StrEnum
from typing import ClassVar

from pipeline.errors import BadInput, FaceapiError, Misconfigured, Transient


class Cause(StrEnum):
    """Why a camera shows nothing."""

    UNREACHABLE = "unreachable"
    """Nothing listens at its address."""
    TIMEOUT = "timeout"
    """It is connected, and silent."""
    LOST = "lost"
    """It ended the stream."""
    GARBAGE = "garbage"
    """What it sends is no RTSP, or no picture."""
    REFUSED = "refused"
    """It answers, and does not play."""
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not found"
    UNSUPPORTED = "unsupported"
    """There is no video in the stream, or in a codec that is not taken."""
    FORBIDDEN = "forbidden"
    """No camera may be there."""
    TRANSPORT = "transport"
    """It does not send in the way it was asked to."""
    DECODER = "decoder"
    """What it is to be decoded by is not there."""


class Unreachable(Transient):
    """Nothing listens at its address: it may come back at any moment."""

    cause: ClassVar = Cause.UNREACHABLE


class Silent(Transient):
    """It is connected, and says nothing."""

    cause: ClassVar = Cause.TIMEOUT


class Lost(Transient):
    """It ended the stream."""

    cause: ClassVar = Cause.LOST


class Garbage(Transient):
    """What it sends cannot be understood."""

    cause: ClassVar = Cause.GARBAGE


class Refused(Transient):
    """It answers, and does not play."""

    cause: ClassVar = Cause.REFUSED


class Unauthorized(Misconfigured):
    """It does not accept the user name and the password, or we do not accept its certificate."""

    cause: ClassVar = Cause.UNAUTHORIZED


class NoSuchStream(BadInput):
    """It knows no stream of this path."""

    cause: ClassVar = Cause.NOT_FOUND


class Unsupported(BadInput):
    """There is no video in the stream, or in a codec that is not taken."""

    cause: ClassVar = Cause.UNSUPPORTED


class Forbidden(BadInput):
    """No camera may be there."""

    cause: ClassVar = Cause.FORBIDDEN


class NoTransport(Misconfigured):
    """It does not send in the way it was asked to."""

    cause: ClassVar = Cause.TRANSPORT


class NoDecoder(Misconfigured):
    """What it is to be decoded by is not there."""

    cause: ClassVar = Cause.DECODER


NOES = (Refused, Unauthorized, NoSuchStream, Unsupported, NoTransport)
"""The camera says no: asking it again and again may lock an account, and helps nobody."""


def cause_of(error: FaceapiError) -> Cause | None:
    """Why, where it is about a camera."""
    return getattr(error, "cause", None)
