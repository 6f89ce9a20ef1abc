"""What a browser is told about how much it may send."""

import re

_HINTS = "x-google-start-bitrate=2500;x-google-min-bitrate=600;x-google-max-bitrate=6000"
"""Kilobits a second. libwebrtc begins at 300 and believes the receiver's estimate, which grows
slowly: without these Chromium was seen to fall to 320x180 and to stay there. The least is what a
poor uplink carries; from the same start 1500 gave no better pictures. Others ignore them."""
_VIDEO = re.compile(r"^a=rtpmap:(\d+) (?:VP8|H264)/90000\r\n", re.MULTILINE)


def hinted(answer: str) -> str:
    """An answer (SDP) with the hints among the parameters of its video codecs."""
    for payload_type in _VIDEO.findall(answer):
        answer = _hinted(answer, payload_type)
    return answer


def _hinted(answer: str, payload_type: str) -> str:
    parameters = re.compile(rf"^a=fmtp:{payload_type} [^\r]+", re.MULTILINE)
    if parameters.search(answer):
        return parameters.sub(lambda found: f"{found[0]};{_HINTS}", answer)
    return re.sub(
        rf"^a=rtpmap:{payload_type} .*\r\n",
        lambda found: f"{found[0]}a=fmtp:{payload_type} {_HINTS}\r\n",
        answer,
        flags=re.MULTILINE,
    )
