"""Cameras watched in this process."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from api.live.engine import Checked
from api.live.players import Players
from api.live.video import Picture, PreviewEncoder
from api.settings.sections import RtspSettings
from ingest.address import CameraUrl
from ingest.fleet import CameraSpec, Fleet
from ingest.masking import Masking
from ingest.numbering import Numbering
from ingest.observed import Observed
from ingest.opening import Limits
from ingest.options import CameraOptions, Masks, Region
from ingest.playable import Playable
from ingest.roles import Streams
from ingest.rtsp import RtspCamera
from ingest.second_stream import SecondStatus, Wish
from ingest.second_streams import SecondStreams
from ingest.source import Source, StateChange
from ingest.supervisor import Backoff, supervised
from ingest.tee import Tee
from ingest.trial import Trial, measured
from ingest.webrtc.ice import Ice
from ingest.webrtc.publisher import PublishedCamera
from ingest.webrtc.session import Publication
from pipeline.build import Pipeline
from pipeline.errors import Transient
from pipeline.jpeg import jpeg
from pipeline.mailbox import Turn
from pipeline.messages import Box, CameraId, Capture, Frame, PersonId, Result
from pipeline.stages import Gallery
from pipeline.watch import watch

if TYPE_CHECKING:
    from pipeline.recognize import Recognizer


_FIRST_PICTURE = 10.0
"""Seconds for the first picture of a camera that is tried: many send a key picture at once, and
others only every few seconds."""
_LOOK = 5.0
"""Seconds at the most that a camera is looked at after its first picture."""
_TRIED = CameraId("tried")
"""No camera's id: whoever's stream breaks native code while it is tried is no camera's yet."""
_QUALITY = 80


class Output(Protocol):
    """Who is told what happens on the cameras; called in the event loop, and never waits."""

    def seen(self, result: Result) -> None:
        """A frame was analysed."""

    def changed(self, camera: CameraId, change: StateChange) -> None:
        """A camera is in another state."""

    def shown(self, camera: CameraId, picture: Picture) -> None:
        """A picture that somebody wants to see."""

    async def coded(self, camera: CameraId, picture: Playable) -> None:
        """A coded picture that somebody plays; returns when there is room for the next one."""

    def lost(self, pictures: int) -> None:
        """So many coded pictures waited too long; on any thread."""

    def decodes(self, camera: CameraId) -> None:
        """The calling thread works for this camera alone from now on."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The last frame and the last track of a camera that were told: numbers go on after them."""

    seq: int = -1
    track: int = 0
    media_time: int = -1


class LocalEngine:
    """Cameras watched in this process.

    Args:
        group: in which everything runs.
        pipeline: makes the line of rooms for each camera.
        gallery: that all cameras search.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        pipeline: Pipeline,
        gallery: Gallery,
        rtsp: RtspSettings,
        output: Output,
    ) -> None:
        self._pipeline = pipeline
        self._gallery = gallery
        self._limits = Limits(
            connect=rtsp.connect_timeout,
            silence=rtsp.read_timeout,
            destinations=rtsp.destinations,
            udp_ports=(rtsp.udp_ports_first, rtsp.udp_ports_last),
        )
        self._backoff = Backoff(first=rtsp.least_backoff, most=rtsp.most_backoff)
        self._output = output
        self._previews = PreviewEncoder(group, output.shown)
        self._fleet = Fleet(group, self._watch, output.changed)
        self._published: dict[CameraId, PublishedCamera] = {}
        self._recognizers: dict[CameraId, Recognizer] = {}
        self._numbers: defaultdict[CameraId, Numbering] = defaultdict(Numbering)
        self._tees: dict[CameraId, Tee] = {}
        self._options: dict[CameraId, CameraOptions] = {}
        self._maskings: defaultdict[CameraId, Masking] = defaultdict(Masking)
        """Of each camera one, whatever connects to it: nothing of it is shown without."""
        self._players = Players(group, output)
        self._seconds = SecondStreams(
            group, self._tee, self._further, self._backoff, output.decodes
        )
        self._exchanging: defaultdict[CameraId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tried: dict[CameraId, tuple[CameraSpec, Trial]] = {}
        """What is watched next, and is connected already."""
        self._tracks: defaultdict[CameraId, int] = defaultdict(int)
        """Of each camera the last one that was told."""

    def mask(self, camera: CameraId, masks: Masks) -> int:
        """Mask this camera's pictures so from now on.

        No picture is told any more that is not masked so; those that were told before have at most
        the media time that is returned.
        """
        tee = self._tee(camera)
        if tee.masking.masks == masks:
            return -1
        latest = max(tee.mask(masks), self._seconds.mask(camera, masks))
        self._previews.drop(camera, latest)
        self._players.again(camera)
        return latest

    async def put(self, camera: CameraSpec, after: Numbers = Numbers()) -> None:
        """Watch a camera, or change it; the same again changes nothing.

        It is masked at once. Where no new connection is needed, none is made.
        """
        self.mask(camera.camera, camera.options.masks)
        self._options[camera.camera] = camera.options
        self._numbers[camera.camera].skip(after.seq)
        self._tee(camera.camera).clock.skip(after.media_time)
        self._tracks[camera.camera] = max(self._tracks[camera.camera], after.track)
        await self._fleet.put(_connecting(camera))
        await self._seconds.put(camera)

    async def exchange(self, camera: CameraSpec, after: Numbers = Numbers()) -> None:
        """Watch a camera by another address from the first picture on that comes from there.

        Until then, and if none comes, it is watched as it was.

        Raises:
            Transient, BadInput, Misconfigured: nothing can be seen there.
        """
        wanted = _connecting(camera)
        if self._fleet.watches(wanted) or not isinstance(camera.url, CameraUrl):
            await self.put(camera, after)
            return
        identifier, tee = camera.camera, self._new_tee(camera.camera)
        tee.clock.skip(max(after.media_time, self._tee(identifier).clock.latest))
        trial = Trial(self._rtsp(camera.url, camera, tee), tee, str(camera.url))
        await trial.open(_FIRST_PICTURE)
        async with self._exchanging[identifier]:
            if self._fleet.watches(wanted):  # somebody was quicker
                await trial.close()
                return
            self._tried[identifier] = wanted, trial
            await self.put(camera, after)

    async def remove(self, camera: CameraId) -> None:
        """Watch it no more; returns when its connection is gone."""
        await self._fleet.remove(camera)
        if camera in self._tried:
            await self._tried.pop(camera)[1].close()
        self._exchanging.pop(camera, None)
        self._previews.forget(camera)
        self.halt(camera)
        await self._seconds.remove(camera)
        self._numbers.pop(camera, None)
        self._tees.pop(camera, None)
        self._options.pop(camera, None)
        self._maskings.pop(camera, None)
        self._tracks.pop(camera, None)

    async def check(self, url: CameraUrl, options: CameraOptions) -> Checked:
        """Connect to a camera that need not be watched, for a few seconds.

        Raises:
            Transient, BadInput, Misconfigured: nothing can be seen there.
        """
        began, tee = time.monotonic(), Tee(masking=Masking(options.masks))
        trial = Trial(self._rtsp(url, CameraSpec(_TRIED, url, options), tee), tee, str(url))
        first = await trial.open(_FIRST_PICTURE)
        connecting = time.monotonic() - began
        try:
            picture = await asyncio.to_thread(_jpeg, first)
            return Checked(await measured(trial, connecting, _LOOK), picture)
        finally:
            await trial.close()

    async def publish(self, camera: CameraId, offer: str, ice: Ice) -> Publication:
        """Begin a session in which somebody publishes to a camera, for an offer (SDP).

        Raises:
            BadInput: the offer cannot be gone along with.
            Occupied: somebody publishes to it already.
            Transient: nobody can publish to it now.
        """
        if camera not in self._published:
            raise Transient(f"camera {camera} is not published to, or does not run now")
        return await self._published[camera].publish(offer, ice)

    async def unpublish(self, camera: CameraId, session: str) -> bool:
        """End such a session; returns when it is gone, and whether there was one."""
        published = self._published.get(camera)
        return published is not None and await published.unpublish(session)

    def show(self, camera: CameraId) -> None:
        """Tell this camera's pictures from now on."""
        self._previews.show(camera)

    def hide(self, camera: CameraId) -> None:
        """Tell them no more."""
        self._previews.hide(camera)

    def play(self, camera: CameraId) -> None:
        """Tell this camera's video from now on, from its last key picture on."""
        self._players.play(camera, self._seconds.video(camera))

    def request_key(self, camera: CameraId) -> None:
        """A viewer lost pictures: let there be a key picture soon, where one can be had."""
        self._players.request_key(camera)

    def halt(self, camera: CameraId) -> None:
        """Tell it no more."""
        self._players.halt(camera)

    def observed(self) -> Mapping[CameraId, Observed]:
        """What came of each camera so far."""
        return {camera: tee.observed.copy() for camera, tee in self._tees.items()}

    def second_streams(self) -> Sequence[tuple[CameraId, SecondStatus]]:
        """How the cameras' further streams are."""
        return self._seconds.statuses()

    def retract(self, person: PersonId) -> None:
        """Forget on every camera what speaks for a person of whom something was deleted."""
        for recognizer in self._recognizers.values():
            recognizer.retract(person)

    def renew(self) -> None:
        """Somebody was enrolled, who may be in sight of any camera."""
        for recognizer in self._recognizers.values():
            recognizer.renew()

    async def adopt(self, pipeline: Pipeline, gallery: Gallery) -> None:
        """Go on with another pack and its gallery, in the same lanes; no camera is let go for it.

        Returns when no frame is asked of the one before any more.
        """
        self._pipeline, self._gallery = pipeline, gallery
        for camera, recognizer in list(self._recognizers.items()):
            await pipeline.take_over(recognizer, gallery, self._region(camera))
        await pipeline.lanes.settled()

    def _region(self, camera: CameraId) -> Callable[[], Box]:
        """Where faces are looked for on a camera, as it is at each moment."""
        return lambda: _box(self._options[camera].region)

    def close(self) -> None:
        """Let go what is no task."""
        self._previews.close()

    async def _watch(self, spec: CameraSpec) -> None:
        camera, frames = spec.camera, self._frames(spec, await self._opened(spec))
        recognizer = self._pipeline.recognizer(
            self._gallery, self._tracks[camera], self._region(camera)
        )
        self._recognizers[camera] = recognizer
        try:
            async with aclosing(frames):
                window = self._pipeline.settings.inference.window
                onwards = self._numbers[camera].onwards(self._seconds.beside(camera, frames))
                await watch(onwards, recognizer, self._publish, window)
        finally:
            del self._recognizers[camera]
            if published := self._published.pop(camera, None):
                await published.close()

    async def _opened(self, spec: CameraSpec) -> Trial | None:
        """The connection that was opened for this, if one was; what was told goes on with it."""
        camera = spec.camera
        meant, trial = self._tried.pop(camera, (spec, None))
        if trial is None:
            return None
        if meant != spec:
            await trial.close()
            return None
        trial.after = self._tee(camera).clock.latest
        self._tees[camera] = trial.tee
        self._seconds.move(camera)
        return trial

    def _frames(self, spec: CameraSpec, opened: Trial | None) -> AsyncGenerator[Capture, None]:
        """Over all connections: those that we make, or those that are made to us."""
        camera, tee = spec.camera, self._tee(spec.camera)
        source: Source
        if opened is not None:
            source = opened
        elif isinstance(spec.url, CameraUrl):
            source = self._rtsp(spec.url, spec, tee)
        else:
            source = self._published[camera] = PublishedCamera(camera, *self._means(spec, tee))
        return supervised(
            source,
            backoff=self._backoff,
            on_state=lambda change: self._output.changed(camera, change),
            gives_up=False,
            pulse=tee.pulse,
        )

    def _further(self, spec: CameraSpec, url: CameraUrl, tee: Tee, wish: Wish) -> Source:
        """What connects to a further stream of a camera; its pictures wait for no turn."""
        every, keys = (
            spec.options.model_copy(update={"analysed": which}) for which in ("all", "keys")
        )
        return RtspCamera(
            url,
            spec.camera,
            _limits_of(spec.options, self._limits),
            on_thread=lambda: self._output.decodes(spec.camera),
            tee=tee,
            told=lambda: every if wish() else keys,
        )

    def _tee(self, camera: CameraId) -> Tee:
        if camera not in self._tees:
            self._tees[camera] = self._new_tee(camera)
        return self._tees[camera]

    def _new_tee(self, camera: CameraId) -> Tee:
        return Tee(camera, lambda: self._output.decodes(camera), self._maskings[camera])

    def _told(self, spec: CameraSpec) -> Callable[[], CameraOptions]:
        """Its options as they are now; before it is watched so, those it is tried with."""
        wanted = _connecting(spec)
        return lambda: self._options[spec.camera] if self._fleet.watches(wanted) else spec.options

    def _rtsp(self, url: CameraUrl, spec: CameraSpec, tee: Tee) -> RtspCamera:
        return RtspCamera(url, spec.camera, *self._means(spec, tee))

    def _means(
        self, spec: CameraSpec, tee: Tee
    ) -> tuple[Limits, Turn, Callable[[], None], Tee, Callable[[], CameraOptions]]:
        """What every source is given, in the order they take it."""
        limits = _limits_of(spec.options, self._limits)
        turn = self._pipeline.lanes.turn
        return limits, turn, lambda: self._output.decodes(spec.camera), tee, self._told(spec)

    def _publish(self, frame: Frame, result: Result) -> None:
        newest = max((face.face.track for face in result.faces), default=0)
        self._tracks[result.camera] = max(self._tracks[result.camera], newest)
        self._output.seen(result)
        self._previews.encode(frame)


def _limits_of(options: CameraOptions, usual: Limits) -> Limits:
    """How long a camera may take."""
    return replace(
        usual,
        connect=options.connect_timeout or usual.connect,
        silence=options.read_timeout or usual.silence,
    )


def _connecting(camera: CameraSpec) -> CameraSpec:
    """As far as only a new connection can follow it; its further streams have their own."""
    return replace(camera, options=camera.options.of_connection(), streams=Streams())


def _box(region: Region) -> Box:
    return Box(region.x, region.y, region.width, region.height)


def _jpeg(capture: Capture) -> bytes:
    return jpeg(capture.paint(), _QUALITY)
