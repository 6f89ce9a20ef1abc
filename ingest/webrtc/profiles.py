"""H.264 offered in other profiles than aiortc knows: FFmpeg decodes them all.

An encoder that passes a camera's video on offers the profile it has, often high and nothing else.
aiortc agrees on baseline only, so the offer says baseline to it, and the answer what was offered:
it must be the same profile (RFC 6184, 8.2.2).
"""

import re

_BASELINE = "42e01f"
_H264 = re.compile(r"^a=rtpmap:(\d+) H264/90000\s*$", re.MULTILINE | re.IGNORECASE)
_PROFILE = r"(^a=fmtp:{} .*profile-level-id=)([0-9a-fA-F]{{6}})"


def profiles_of(description: str) -> dict[str, str]:
    """By payload type the profile-level-id of each H.264 that a description (SDP) names."""
    found = ((kind, _profile(kind).search(description)) for kind in _H264.findall(description))
    return {kind: match[2] for kind, match in found if match}


def as_baseline(offer: str) -> str:
    """``offer`` with one H.264 that aiortc takes; itself where it offers baseline already."""
    profiles = profiles_of(offer)
    if not profiles or any(one.startswith("42") for one in profiles.values()):
        return offer
    return _with(offer, next(iter(profiles)), _BASELINE)


def as_offered(answer: str, offer: str) -> str:
    """``answer`` with the profiles of ``offer``."""
    offered = profiles_of(offer)
    for kind in profiles_of(answer):
        if kind in offered and as_baseline(offer) != offer:
            answer = _with(answer, kind, offered[kind])
    return answer


def _profile(kind: str) -> re.Pattern[str]:
    return re.compile(_PROFILE.format(kind), re.MULTILINE)


def _with(description: str, kind: str, profile: str) -> str:
    return _profile(kind).sub(rf"\g<1>{profile}", description)
