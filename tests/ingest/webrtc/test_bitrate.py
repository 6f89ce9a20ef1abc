"""What browsers are told of how much they may send."""

from ingest.webrtc.bitrate import hinted

ANSWER = (
    "m=video 9 UDP/TLS/RTP/SAVPF 97 98 99\r\n"
    "a=rtpmap:97 VP8/90000\r\n"
    "a=rtcp-fb:97 nack\r\n"
    "a=rtpmap:98 rtx/90000\r\n"
    "a=fmtp:98 apt=97\r\n"
    "a=rtpmap:99 H264/90000\r\n"
    "a=fmtp:99 packetization-mode=1;profile-level-id=42e01f\r\n"
)
HINTS = "x-google-start-bitrate=2500;x-google-min-bitrate=600;x-google-max-bitrate=6000"


def test_each_video_codec_bears_the_hints_once() -> None:
    lines = hinted(ANSWER).splitlines()
    assert lines[1:3] == ["a=rtpmap:97 VP8/90000", f"a=fmtp:97 {HINTS}"]
    assert "a=fmtp:98 apt=97" in lines
    assert f"a=fmtp:99 packetization-mode=1;profile-level-id=42e01f;{HINTS}" in lines
    assert len(lines) == 8
