"""One client of a virtual camera: it asks, and then it is sent pictures."""

import asyncio
import base64
import itertools
import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ingest.virtual.clip import Clip
from ingest.virtual.requests import Credentials, Request, answer, read_request
from ingest.virtual.rtp import CLOCK_RATE, PAYLOAD_TYPE, RTCP_CHANNEL, RTP_CHANNEL, RtpStream

_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"
_REPORT_EVERY = 1.0
"""Seconds between sender reports."""


@dataclass(slots=True)
class Conditions:
    """What all clients of a camera share: its streams and its moods."""

    clips: Mapping[str, Clip]
    login: Credentials | None
    rtp_origin: int
    since: float | None
    """When the scene began that all streams show, in Unix seconds; None: for each client anew."""
    flowing: asyncio.Event
    """Cleared: nothing is sent, the connection stays."""
    answering: asyncio.Event
    """Cleared: requests are read and not answered."""
    on_sent: Callable[[], None]
    """Called for every picture that was sent."""
    garbled: bool = False
    """Noise is sent in place of pictures."""
    clock_error: float = 0.0
    """Seconds that the camera's clock is ahead; while it is not 0, RTP timestamps leap, too."""
    elsewhere: str = ""
    """Where clients are redirected to; empty: nowhere."""
    instead: str = ""
    """The stream that is sent whichever was asked for; empty: that one."""


class Client:
    """A connection, from its first request to its end."""

    def __init__(
        self,
        conditions: Conditions,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._conditions = conditions
        self._reader = reader
        self._writer = writer
        self._session = {"Session": f"{secrets.token_hex(4)};timeout=60"}

    async def serve(self) -> None:
        """Answer requests until the client leaves."""
        playing: list[asyncio.Task[None]] = []
        try:
            while True:
                request = await read_request(self._reader)
                await self._conditions.answering.wait()
                self._writer.write(self._answer(request))
                if request.method == "TEARDOWN":
                    return
                if request.method == "PLAY" and request.stream in self._conditions.clips:
                    playing.append(asyncio.create_task(self._play(request.stream)))
        except (EOFError, ConnectionError, ValueError, asyncio.LimitOverrunError):
            return  # it is gone, or it is no RTSP client
        finally:
            for task in playing:
                task.cancel()
            await asyncio.gather(*playing, return_exceptions=True)
            self._writer.close()

    def _answer(self, request: Request) -> bytes:
        login = self._conditions.login
        if self._conditions.elsewhere:
            return answer(request, "302 Found", {"Location": self._conditions.elsewhere})
        if request.method == "OPTIONS":
            return answer(request, "200 OK", {"Public": _METHODS})
        if login is not None and not login.allows(request):
            return answer(request, "401 Unauthorized", login.challenge)
        clip = self._conditions.clips.get(request.stream)
        if clip is None:
            return answer(request, "404 Not Found", {})
        return self._answer_for(request, clip)

    def _answer_for(self, request: Request, clip: Clip) -> bytes:
        match request.method:
            case "DESCRIBE":
                headers = {"Content-Base": f"{request.uri}/", "Content-Type": "application/sdp"}
                return answer(request, "200 OK", headers, _description(clip))
            case "SETUP" if "TCP" not in request.headers.get("transport", ""):
                return answer(request, "461 Unsupported Transport", {})
            case "SETUP":
                way = f"RTP/AVP/TCP;unicast;interleaved={RTP_CHANNEL}-{RTCP_CHANNEL}"
                return answer(request, "200 OK", {"Transport": way, **self._session})
            case "PLAY" | "GET_PARAMETER" | "TEARDOWN":
                return answer(request, "200 OK", self._session)
            case _:
                return answer(request, "405 Method Not Allowed", {"Allow": _METHODS})

    async def _play(self, stream: str) -> None:
        """Send the clip again and again, each picture when a camera would have it ready."""
        conditions, origin = self._conditions, self._conditions.rtp_origin
        rtp, now, unix = RtpStream(), asyncio.get_running_loop().time, time.time()
        began = conditions.since or unix
        start, reported = now() - (unix - began), -_REPORT_EVERY
        for number in itertools.count(self._first(stream, unix - began)):
            clip = conditions.clips[conditions.instead or stream]
            step, length = 1 / clip.rate, len(clip.pictures)
            picture, due = clip.pictures[number % length], float(number * step)
            await asyncio.sleep(start + due - now())
            await conditions.flowing.wait()
            shown = picture.shown + round(number // length * length * step * CLOCK_RATE)
            stamp = origin + shown + round(conditions.clock_error * CLOCK_RATE)
            if due - reported >= _REPORT_EVERY:
                reported = due
                taken = began - clip.delay + shown / CLOCK_RATE + conditions.clock_error
                self._writer.write(rtp.report(taken, stamp))
            packets = rtp.picture(picture.units, stamp)
            if conditions.garbled:
                packets = secrets.token_bytes(len(packets))
            self._writer.write(packets)
            await self._writer.drain()
            conditions.on_sent()

    def _first(self, stream: str, seconds: float) -> int:
        """The number of the picture that a client begins with, so long after the scene began."""
        clip = self._conditions.clips[stream]
        return clip.next_key(math.ceil(seconds * clip.rate)) if seconds else 0


def _description(clip: Clip) -> str:
    sets = ",".join(base64.b64encode(unit).decode() for unit in (clip.sps, clip.pps))
    profile = f"profile-level-id={clip.sps[1:4].hex()};sprop-parameter-sets={sets}"
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=virtual camera",
        "t=0 0",
        "a=control:*",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_RATE}",
        f"a=framerate:{float(clip.rate):g}",
        f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;{profile}",
        "a=control:track0",
    ]
    return "".join(f"{line}\r\n" for line in lines)
