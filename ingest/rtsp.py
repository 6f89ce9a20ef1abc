"""An RTSP camera as a source: FFmpeg's client over TCP, the newest frame wins."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import av

from ingest.access_units import AccessUnit, Assembly, NalUnits, Need, WholePictures
from ingest.address import CameraUrl
from ingest.decode import Decoder, Painter
from ingest.describe import describe
from ingest.destination import Destinations
from ingest.handover import Handover, decoded
from ingest.nal_units import H264, H265
from ingest.passing import Passing
from ingest.reach import listening
from ingest.refusals import refusal
from ingest.sender_clock import SenderClock, Stamp
from ingest.tee import Tap, Tee
from ingest.thinning import Thinning
from ingest.troubles import Garbage, Lost, Silent, Unreachable, Unsupported
from pipeline.mailbox import Turn
from pipeline.messages import CameraId, Capture

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from pipeline.errors import Transient

_CODECS = "H.264, H.265 and MJPEG"
_TAKEN = {"H264", "H265", "JPEG"}
"""The same as session descriptions name them (RFC 6184, RFC 7798, RFC 2435)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a camera may take, in seconds, and where it may be."""

    connect: float = 5.0
    """Until it has agreed to play."""
    silence: float = 4.0
    """Without a packet."""
    picture: float = 15.0
    """Without a picture, although packets come: longer than from one key frame to the next."""
    destinations: Destinations | None = None
    """None: wherever it is said to be."""


PATIENCE = Limits()


class _Video(NamedTuple):
    """The video of a connection, and what is done with its packets."""

    stream: "VideoStream"
    codec: str
    assembly: Assembly[Stamp]
    passing: Passing | None
    """For viewers, where they may be able to play it as it is."""


class RtspCamera:
    """A camera at an rtsp or rtsps URL; each ``frames`` is a connection of its own.

    To close it takes as long as one packet; if the camera is silent, until the timeout. ``turn`` is
    waited for before the newest frame is taken. ``on_thread`` is called on each connection's own
    thread, before anything else. ``tee`` is given all its video, for viewers.
    """

    def __init__(
        self,
        url: CameraUrl,
        camera: CameraId,
        limits: Limits = PATIENCE,
        turn: Turn = nullcontext,
        on_thread: Callable[[], None] = lambda: None,
        tee: Tee | None = None,
    ) -> None:
        self._url = url
        self._camera = camera
        self._limits = limits
        self._turn = turn
        self._on_thread = on_thread
        self._tee = tee or Tee()
        self._away = False
        """Nothing listened at its address when it was tried last."""

    def frames(self) -> AsyncGenerator[Capture, None]:
        """Yield the newest frame whenever one is fetched; only an error ends it.

        ``captured_at`` is Unix time: the camera's own if its clock can be right (see
        ``sender_clock``), else that of arrival; it never goes back. ``rtp_timestamp`` is known
        from the camera's first sender report on; with MJPEG never, FFmpeg keeps the reports then.

        Raises:
            Unreachable, Refused, Silent, Lost, Garbage: as ``ingest.troubles`` says.
            NoSuchStream, Unsupported, Unauthorized, Forbidden: likewise.
        """
        handover = Handover(1, lossless=False, turn=self._turn)  # the newest wins
        return decoded(self._decode, handover, f"camera {self._camera}")

    async def rest(self, seconds: float) -> None:
        """Wait so long; if nothing listened at its address, until something does."""
        if self._away:
            await listening(self._url, self._limits.destinations)
        else:
            await asyncio.sleep(seconds)

    def _decode(self, handover: Handover) -> None:
        self._on_thread()
        painter, media_time, captured_at = Painter(), -1, 0.0
        with self._connect() as container:
            video = self._video_of(container)
            with self._tee.connection(video.codec, video.passing) as tap:
                for seq, picture, stamp in self._pictures(container, video, tap, handover):
                    media_time = max(media_time + 1, stamp.media_time)
                    captured_at = max(captured_at, stamp.captured_at)
                    tap.decoded(picture, media_time)
                    paint = partial(painter.image, picture)
                    handover.put(
                        Capture(
                            self._camera, seq, media_time, captured_at, stamp.rtp_timestamp, paint
                        )
                    )

    def _connect(self) -> "InputContainer":
        self._away = False
        try:
            return self._open()
        except Unreachable:
            self._away = True
            raise

    def _open(self) -> "InputContainer":
        limits = self._limits
        if limits.destinations is not None:
            codecs = describe(self._url, limits.destinations, limits.connect)
            if not _TAKEN.intersection(codecs):
                raise Unsupported(f"{self._url}: the video is {codecs[0]}; allowed are {_CODECS}")
        options = {
            "rtsp_transport": "tcp",
            "allowed_media_types": "video",
            "timeout": str(round(max(limits.connect, limits.silence) * 1e6)),  # microseconds
            "probesize": "32",  # with the next: begin at once, the SDP says enough
            "analyzeduration": "0",
            "fflags": "noparse",  # see access_units
        }
        try:
            return av.open(
                self._url.with_secrets, options=options, timeout=(limits.connect, limits.silence)
            )
        except av.FFmpegError as error:
            refused = refusal(self._url, error)
        raise refused

    def _pictures(
        self, container: "InputContainer", video: _Video, tap: Tap, handover: Handover
    ) -> Iterator[tuple[int, av.VideoFrame, Stamp]]:
        decoder, clock, thinning = Decoder(video.stream.codec_context), SenderClock(), Thinning()
        latest, shown = time.monotonic(), 0
        for packet in self._packets(container, video.stream):
            handover.pause(0)
            arrived = time.time()
            stamp = clock.stamp(packet, arrived, self._tee.clock.at(packet.pts, arrived))
            self._tee.observed.clock_skew = clock.skew
            for unit in video.assembly.add(bytes(packet), stamp):
                tap.coded(unit.data, unit.stamp.media_time, key=unit.need is Need.KEY)
                if not thinning.wants(_need(decoder, unit), handover.taken):
                    tap.skipped()
                    continue
                for picture in _decode_unit(decoder, unit, alone=thinning.keys_only):
                    latest = time.monotonic()
                    yield thinning.skipped + shown, picture, cast("Stamp", picture.opaque)
                    shown += 1
            if time.monotonic() - latest > self._limits.picture:
                raise Garbage(
                    f"{self._url}: packets, but for {self._limits.picture:g} s no picture"
                )

    def _video_of(self, container: "InputContainer") -> _Video:
        if not container.streams.video:
            raise Unsupported(f"{self._url}: there is no video in this stream")
        stream = container.streams.video[0]
        match getattr(stream.codec_context, "name", "of an unknown kind"):
            case "h264":
                announced = stream.codec_context.extradata or b""
                return _Video(stream, "H.264", NalUnits(H264), Passing(announced))
            case "hevc":
                return _Video(stream, "H.265", NalUnits(H265), None)
            case "mjpeg":
                return _Video(stream, "MJPEG", WholePictures(), None)
            case other:
                raise Unsupported(f"{self._url}: the video is {other}; allowed are {_CODECS}")

    def _packets(
        self, container: "InputContainer", stream: "VideoStream"
    ) -> Iterator["av.Packet[VideoStream]"]:
        lost: Transient = Lost(f"{self._url}: the camera ended the stream")
        try:
            for packet in container.demux(stream):
                if packet.size:  # FFmpeg ends with an empty one
                    yield packet
        except (av.error.ExitError, av.error.TimeoutError):
            lost = Silent(f"{self._url}: silent for {self._limits.silence:g} s")
        except av.FFmpegError as error:
            lost = Lost(f"{self._url}: {self._url.redact(str(error.strerror))}")
        raise lost  # here and not above: FFmpeg's errors hold the password


def _need(decoder: Decoder, unit: AccessUnit[Stamp]) -> Need:
    """What others need of a picture.

    Where they are shown in another order, the decoder holds each back until enough others have
    come: without the disposable ones all would come late.
    """
    return max(unit.need, Need.REFERENCE) if decoder.reorders else unit.need


def _decode_unit(
    decoder: Decoder, unit: AccessUnit[Stamp], *, alone: bool
) -> Iterator[av.VideoFrame]:
    packet: av.Packet[Any] = av.Packet(unit.data)
    packet.opaque = unit.stamp
    decode = decoder.decode_alone if alone else decoder.decode
    try:
        yield from (picture for picture in decode(packet) if not picture.is_corrupt)
    except av.error.InvalidDataError:
        return  # damaged, or from before the first key frame: the next one may do
