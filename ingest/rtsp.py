"""An RTSP camera as a source: FFmpeg's client, the newest frame wins."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import av

from ingest.access_units import AccessUnit, Assembly, NalUnits, Need, WholePictures
from ingest.address import CameraUrl
from ingest.decode import Decoder, Painter, decoder_for
from ingest.handover import Handover, decoded
from ingest.nal_units import H264, H265
from ingest.opening import CODECS, PATIENCE, Limits, opened
from ingest.options import DEFAULTS, CameraOptions, Transport
from ingest.passing import Passing
from ingest.reach import listening
from ingest.selection import Choice, Selection
from ingest.sender_clock import SenderClock, Stamp
from ingest.tee import Tap, Tee
from ingest.troubles import Garbage, Lost, Silent, Unreachable, Unsupported
from pipeline.mailbox import Turn
from pipeline.messages import CameraId, Capture

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from pipeline.errors import Transient

_TAKEN = {"h264", "hevc", "mjpeg"}
"""As FFmpeg names them."""


class _Video(NamedTuple):
    """The video of a connection, and what is done with its packets."""

    stream: "VideoStream"
    codec: str
    assembly: Assembly[Stamp]
    passing: Passing | None
    """For viewers, where they may be able to play it as it is."""
    apart: bool = False
    """No picture needs another."""


class _Marked(NamedTuple):
    """What goes through the decoder with a picture."""

    stamp: Stamp
    analyse: bool


class _Shot(NamedTuple):
    """A decoded picture; ``seq`` is None where it is not meant for analysis."""

    seq: int | None
    picture: av.VideoFrame
    stamp: Stamp


class RtspCamera:
    """A camera at an rtsp or rtsps URL; each ``frames`` is a connection of its own.

    To close it takes as long as one packet; if the camera is silent, until the timeout. ``turn`` is
    waited for before the newest frame is taken. ``on_thread`` is called on each connection's own
    thread, before anything else. ``tee`` is given all its video, for viewers. ``told`` says its
    options as they are now; what a connection can follow while it plays, it follows at once.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - it belongs to all of these
        self,
        url: CameraUrl,
        camera: CameraId,
        limits: Limits = PATIENCE,
        turn: Turn = nullcontext,
        on_thread: Callable[[], None] = lambda: None,
        tee: Tee | None = None,
        told: Callable[[], CameraOptions] = lambda: DEFAULTS,
    ) -> None:
        self._url = url
        self._camera = camera
        self._limits = limits
        self._turn = turn
        self._on_thread = on_thread
        self._tee = tee or Tee()
        self._told = told
        self._away = False
        """Nothing listened at its address when it was tried last."""

    def frames(self) -> AsyncGenerator[Capture, None]:
        """Yield the newest frame whenever one is fetched; only an error ends it.

        ``captured_at`` is Unix time: the camera's own if its clock can be right (see
        ``sender_clock``), else that of arrival; it never goes back. ``rtp_timestamp`` is known
        from the camera's first sender report on; with MJPEG never, FFmpeg keeps the reports then.

        Raises:
            Unreachable, Refused, Silent, Lost, Garbage: as ``ingest.troubles`` says.
            NoSuchStream, Unsupported, Unauthorized, Forbidden, NoTransport, NoDecoder: likewise.
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
        painter, media_time, captured_at = Painter(self._tee.masking), -1, 0.0
        with self._connected() as (container, transport):
            video = self._video_of(container)
            with self._tee.connection(video.codec, video.passing, transport) as tap:
                for shot in self._shots(container, video, tap, handover):
                    stamp = shot.stamp
                    media_time = max(media_time + 1, stamp.media_time)
                    captured_at = max(captured_at, stamp.captured_at)
                    tap.decoded(shot.picture, media_time)
                    if shot.seq is None:
                        continue
                    paint = partial(painter.image, shot.picture)
                    handover.put(
                        Capture(
                            self._camera,
                            shot.seq,
                            media_time,
                            captured_at,
                            stamp.rtp_timestamp,
                            paint,
                        )
                    )

    @contextmanager
    def _connected(self) -> "Iterator[tuple[InputContainer, Transport]]":
        self._away = False
        try:
            container, transport = opened(self._url, self._limits, self._told().transport)
        except Unreachable:
            self._away = True
            raise
        with container:
            yield container, transport

    def _shots(
        self, container: "InputContainer", video: _Video, tap: Tap, handover: Handover
    ) -> Iterator[_Shot]:
        decoder = decoder_for(video.stream.codec_context, self._told().decoder)
        clock, selection = SenderClock(), Selection(apart=video.apart)
        latest, count = time.monotonic(), 0
        for packet in self._packets(container, video.stream):
            handover.pause(0)
            arrived = time.time()
            stamp = clock.stamp(packet, arrived, self._tee.clock.at(packet.pts, arrived))
            for unit in video.assembly.add(bytes(packet), stamp):
                self._tee.observed.clock_skew = clock.skew
                unit = unit._replace(stamp=self._tee.timing.placed(unit.stamp, arrived))  # noqa: PLW2901 - told in the analysed stream's time
                tap.coded(unit.data, unit.stamp.media_time, key=unit.need is Need.KEY)
                choice = selection.choose(
                    _need(decoder, unit),
                    time.monotonic(),
                    self._told().analysed,
                    handover.taken,
                    viewed=tap.is_viewed,
                )
                if not choice.decode:
                    tap.skipped()
                    latest = time.monotonic()  # key pictures may be far apart
                    continue
                for picture in _decode_unit(decoder, unit, choice):
                    latest = time.monotonic()
                    tap.decoder = decoder.used
                    marked = cast("_Marked", picture.opaque)
                    seq = selection.missed + count if marked.analyse else None
                    count += marked.analyse
                    yield _Shot(seq, picture, marked.stamp)
            if time.monotonic() - latest > self._limits.picture:
                raise Garbage(
                    f"{self._url}: packets, but for {self._limits.picture:g} s no picture"
                )

    def _video_of(self, container: "InputContainer") -> _Video:
        if not container.streams.video:
            raise Unsupported(f"{self._url}: there is no video in this stream")
        stream = _first_that_is_taken(container.streams.video)
        match _codec_name(stream):
            case "h264":
                announced = stream.codec_context.extradata or b""
                return _Video(stream, "H.264", NalUnits(H264), Passing(announced))
            case "hevc":
                return _Video(stream, "H.265", NalUnits(H265), None)
            case "mjpeg":
                return _Video(stream, "MJPEG", WholePictures(), None, apart=True)
            case other:
                raise Unsupported(f"{self._url}: the video is {other}; allowed are {CODECS}")

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


def _first_that_is_taken(streams: "Sequence[VideoStream]") -> "VideoStream":
    """Some cameras have several videos in one session, a strange one among them."""
    return next((one for one in streams if _codec_name(one) in _TAKEN), streams[0])


def _codec_name(stream: "VideoStream") -> str:
    return getattr(stream.codec_context, "name", "of an unknown kind")


def _need(decoder: Decoder, unit: AccessUnit[Stamp]) -> Need:
    """What others need of a picture.

    Where they are shown in another order, the decoder holds each back until enough others have
    come: without the disposable ones all would come late.
    """
    return max(unit.need, Need.REFERENCE) if decoder.reorders else unit.need


def _decode_unit(
    decoder: Decoder, unit: AccessUnit[Stamp], choice: Choice
) -> Iterator[av.VideoFrame]:
    packet: av.Packet[Any] = av.Packet(unit.data)
    packet.opaque = _Marked(unit.stamp, choice.analyse)
    decode = decoder.decode_alone if choice.alone else decoder.decode
    try:
        yield from (picture for picture in decode(packet) if not picture.is_corrupt)
    except av.error.InvalidDataError:
        return  # damaged, or from before the first key frame: the next one may do
