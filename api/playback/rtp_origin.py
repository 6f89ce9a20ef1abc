"""How RTP timestamps and media time go together, and what a viewer asks for, as aiortc knows it.

aiortc sends the timestamp origin + pts, modulo 2^32. The origin is random and stays in its sender's
loop, so it is learnt from what was sent. Nothing else reads aiortc's private parts for this.
"""

from aiortc import RTCRtpSender

_MODULUS = 1 << 32
"""RTP timestamps have 32 bits (RFC 3550, 5.1)."""


def rtp_origin(sender: RTCRtpSender, sent: int) -> int | None:
    """What is to be added to a media time for its RTP timestamp, modulo 2^32.

    Args:
        sender: between two packets' pictures: when its track is asked for the next one.
        sent: media time of the picture that was sent last.

    Returns:
        None if nothing was sent yet.
    """
    if not sender._RTCRtpSender__packet_count:  # type: ignore[attr-defined] # noqa: SLF001 - see above
        return None
    timestamp: int = sender._RTCRtpSender__rtp_timestamp  # type: ignore[attr-defined] # noqa: SLF001
    return wrapped(timestamp - sent)


def wrapped(timestamp: int) -> int:
    """An RTP timestamp as it is sent."""
    return timestamp % _MODULUS


def takes_key_request(sender: RTCRtpSender) -> bool:
    """Whether its viewer lost pictures and asked for a key picture (PLI, FIR) since the last time.

    aiortc notes that for the encoder that it would have.
    """
    asked: bool = sender._RTCRtpSender__force_keyframe  # type: ignore[attr-defined] # noqa: SLF001
    sender._RTCRtpSender__force_keyframe = False  # type: ignore[attr-defined] # noqa: SLF001
    return asked
