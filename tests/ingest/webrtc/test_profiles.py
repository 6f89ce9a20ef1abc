"""What an encoder offers that passes a camera's own H.264 on."""

import pytest

from ingest.webrtc.ice import Ice
from ingest.webrtc.peer import answered, new_peer
from ingest.webrtc.profiles import as_baseline, as_offered, profiles_of
from pipeline.errors import BadInput

HIGH, MAIN, BASELINE = "64001f", "4d401f", "42e01f"
LOOPBACK = Ice(loopback=True)
_FINGERPRINT = ":".join(["AB"] * 32)


def offer(*profiles: str) -> str:
    """As FFmpeg's WHIP writes it: no candidate, one profile."""
    kinds = [str(106 + number) for number in range(len(profiles))]
    formats = [
        f"a=rtpmap:{kind} H264/90000\r\na=fmtp:{kind} level-asymmetry-allowed=1;"
        f"packetization-mode=1;profile-level-id={profile}\r\n"
        for kind, profile in zip(kinds, profiles, strict=True)
    ]
    return (
        "v=0\r\no=FFmpeg 4489045141692799359 2 IN IP4 127.0.0.1\r\ns=a\r\nt=0 0\r\n"
        "a=group:BUNDLE 1\r\n"
        f"m=video 9 UDP/TLS/RTP/SAVPF {' '.join(kinds)}\r\nc=IN IP4 0.0.0.0\r\n"
        f"a=ice-ufrag:3538f314\r\na=ice-pwd:4a88a1754159f485f470f78f97b81471\r\n"
        f"a=fingerprint:sha-256 {_FINGERPRINT}\r\na=setup:passive\r\na=mid:1\r\n"
        f"a=sendonly\r\na=rtcp-mux\r\n{''.join(formats)}"
    )


@pytest.mark.parametrize("profile", [HIGH, MAIN, BASELINE, "64001F"])
async def test_every_profile_is_accepted_and_answered_as_it_was_offered(profile: str) -> None:
    peer = new_peer(LOOPBACK)
    try:
        peer.addTransceiver("video", "recvonly")
        answer = await answered(peer, offer(profile))
    finally:
        await peer.close()
    assert profiles_of(answer) == {"106": profile}


def test_who_offers_baseline_is_understood_as_it_is() -> None:
    both = offer(HIGH, BASELINE)
    assert as_baseline(both) == both
    assert as_offered("a=rtpmap:107 H264/90000\r\n", both) == "a=rtpmap:107 H264/90000\r\n"
    assert as_baseline(offer("42001f")) == offer("42001f")


@pytest.mark.parametrize("profile", ["", "zz", "64"])
async def test_what_is_no_profile_is_refused_or_is_baseline(profile: str) -> None:
    peer = new_peer(LOOPBACK)
    try:
        peer.addTransceiver("video", "recvonly")
        with pytest.raises(BadInput):
            await answered(peer, offer(profile))
    finally:
        await peer.close()
