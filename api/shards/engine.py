"""Cameras in shards: what they are told, and what they all show, in one place."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Literal

import msgspec
import numpy as np

from api.live.coded import Coded
from api.live.engine import Checked, ShardState, ShardStatus
from api.live.hub import Hub
from api.live.local import Numbers
from api.live.metrics import CameraMetrics
from api.live.roles import RoleStatus
from api.live.seen import Seen
from api.live.streams import StreamStatus
from api.live.told import Told
from api.live.video import Picture
from api.live.wire import (
    CameraMessage,
    LoadMessage,
    Position,
    PresenceMessage,
    ToldAs,
    frame_message,
    revision_messages,
)
from api.processes.link import LinkBroken
from api.shards import messages
from api.shards.asked import Asked
from api.shards.audience import Audience, Look
from api.shards.checks import PATIENCE, Checks
from api.shards.leaving import Leaving
from api.shards.masked import MaskedCameras
from api.shards.messages import (
    Begin,
    Changed,
    Device,
    Found,
    FromShard,
    Masked,
    Publish,
    Published,
    Refused,
    Search,
    Shown,
    Unpublish,
    Unpublished,
    Unwatched,
    Vitals,
    Watch,
)
from api.shards.placement import Placement, Watched
from api.shards.process import Death, ShardProcess
from ingest.address import CameraUrl
from ingest.fleet import CameraSpec
from ingest.options import CameraOptions
from ingest.source import CONNECTED, State
from ingest.webrtc.ice import Ice
from ingest.webrtc.session import Publication
from pipeline.errors import BadInput, Transient
from pipeline.messages import CameraId, PersonId, Status, Vectors
from pipeline.stages import Gallery

_log = logging.getLogger(__name__)

_CONFIRMED = 1.0
"""Seconds that shards have to confirm a deletion; then their fences must do."""


class ShardedEngine:
    """Cameras watched in processes of their own: an ``Engine``, its ``Results``, its ``Shards``.

    Args:
        group: in which everything runs.
        begin: what a shard is told first; its own name is put in.
        level: the least that they log.
        gallery: searched for them where a gallery is too large for their memory.
        told_as: what a person is called.
        hub: is given all that they see.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all cameras come together here
        self,
        group: asyncio.TaskGroup,
        begin: Begin,
        level: str,
        gallery: Gallery,
        told_as: ToldAs,
        metrics: CameraMetrics,
        hub: Hub,
    ) -> None:
        self._group = group
        self._begin = begin
        self._level = level
        self._galleries = {begin.pack: gallery}
        self._told_as = told_as
        self._metrics = metrics
        self._hub = hub
        self._audience = Audience(self._look, metrics.video_lost)
        self._masked = MaskedCameras()
        self._placement = Placement()
        self._numbers: defaultdict[CameraId, Numbers] = defaultdict(Numbers)
        """What was told last of each camera, also of one that is not watched now."""
        self._leaving = Leaving()
        self._asked = Asked()
        self._checks = Checks(self._asked)
        self._shards: dict[str, ShardProcess] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.settled = asyncio.Event()
        """Set when every shard runs for the first time, or one could not."""

    def begin(self, count: int) -> None:
        """Start so many shards."""
        for shard in self._placement.begin(count):
            self._add(shard)

    async def put(self, camera: CameraSpec) -> None:
        """Watch a camera, or change it; the same again changes nothing.

        One that was given up is tried again.
        """
        known = self._placement.put(camera)
        if self._masked.ask(camera.camera, camera.options.masks):
            self._audience.drop(camera.camera)
        if known.spec != camera or known.is_given_up:
            self._drop_lone(known)
            self._placement.forgive(known, camera)
        self._watch(known)

    async def exchange(self, camera: CameraSpec) -> None:
        """Watch a camera by another address from the first picture on that comes from there."""
        known = self._placement.get(camera.camera)
        if known is None or self._placement.is_alone(known) or known.is_given_up:
            await self.put(camera)  # there is nothing good to be kept meanwhile
            return
        watch = self._watching(camera)
        await self._asked.ask(
            self._shard_of(camera.camera),
            lambda request: messages.Exchange(request, watch),
            PATIENCE,
        )
        self._audience.cut(camera.camera)
        self._placement.forgive(known, camera)
        await self.put(camera)  # its masks are confirmed by that

    async def remove(self, camera: CameraId) -> None:
        """Watch it no more; returns when its connection is gone."""
        known = self._placement.remove(camera)
        if known is not None:
            if known.shard in self._shards:
                await self._leaving.let_go(self._shards[known.shard], camera)
            self._drop_lone(known)
        self._audience.end(camera)
        self._masked.forget(camera)
        if known is not None:
            told = CameraMessage(camera=camera, state="disabled", reason="", since=time.time())
            self._hub.publish(told)  # whoever shows its faces need not wait until they are old
        self._hub.forget(camera)
        self._metrics.forget(camera)

    async def adopt(self, begin: Begin, gallery: Gallery) -> None:
        """Name people by another pack; returns when every shard does.

        One shard after the other, so that the cores stay with the frames. No camera is let go.
        Until then ``gallery`` is searched by those that do, the one before by the others.
        """
        before, self._begin = self._begin.pack, begin
        self._galleries[begin.pack] = gallery
        for shard in self.processes():
            await shard.adopt(begin)
        if before != begin.pack:
            self._galleries.pop(before, None)

    def state(self, camera: CameraId) -> CameraMessage | None:
        """The latest state of a camera, None if it is not watched."""
        return self._hub.state(camera)

    def stream(self, camera: CameraId) -> StreamStatus | None:
        """What comes of a camera now, None if nothing does."""
        return self._metrics.streams.status(camera)

    def roles(self, camera: CameraId) -> Sequence[RoleStatus]:
        """How the further streams of a camera are."""
        known = self._placement.get(camera)
        if known is None:
            return ()
        streams = known.spec.streams.beside(known.spec.url)
        return self._metrics.roles.statuses(camera, streams, self.stream(camera))

    async def check(self, url: CameraUrl, options: CameraOptions) -> Checked:
        """Connect to a camera that need not be watched, for a few seconds."""
        return await self._checks.check(url, options, self._shards.values())

    async def publish(self, camera: CameraId, offer: str, ice: Ice) -> Publication:
        """Begin a session in which somebody publishes to a camera, for an offer (SDP)."""
        answer = await self._asked.ask(
            self._shard_of(camera), lambda request: Publish(request, camera, offer, ice)
        )
        if not isinstance(answer, Published):
            raise LinkBroken("it answered an offer as if it had ended a session")
        return Publication(answer.session, answer.answer)

    async def unpublish(self, camera: CameraId, session: str) -> None:
        """End such a session; returns when its connection is gone."""
        await self._asked.ask(
            self._shard_of(camera), lambda request: Unpublish(request, camera, session)
        )

    async def gone(self, people: Collection[PersonId], number: int) -> None:
        """Return when no result names these people by what was deleted up to a change.

        Within a second: by then every shard has confirmed it, or its fence hides them.
        """
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(shard.gone(people, number)) for shard in self._shards.values()
            ]
            _, late = await asyncio.wait(asked, timeout=_CONFIRMED)
            for one in late:
                one.cancel()
        self._hub.hide(people)

    def subscribe(
        self,
        cameras: Collection[CameraId] | None,
        after: Position | None = None,
        *,
        recent: bool = False,
    ) -> AsyncGenerator[Told, None]:
        """What happens on these cameras (None: all): from a snapshot on, or after a position."""
        return self._hub.subscribe(cameras, after, recent=recent)

    def present(self, cameras: Collection[CameraId] | None) -> Sequence[PresenceMessage]:
        """Who is on these cameras (None: all) now."""
        return self._hub.present(cameras)

    def pictures(self, camera: CameraId) -> AsyncGenerator[Picture, None]:
        """The analysed pictures of a camera; ends when the camera is removed."""
        return self._audience.pictures(camera)

    def coded(self, camera: CameraId) -> AsyncGenerator[Coded, None]:
        """The video of a camera: its last key picture, all since, and so on, without a hole.

        Where pictures were lost it goes on with a key picture. Ends when the camera is removed.
        """
        return self._audience.coded(camera)

    def request_key(self, camera: CameraId) -> None:
        """Somebody who plays a camera lost pictures: a key picture soon, where one can be had."""
        self._audience.request_key(camera)

    def statuses(self) -> Sequence[ShardStatus]:
        """Each shard, as it is now."""
        return [self._status(shard) for shard in self._shards.values()]

    def processes(self) -> Sequence[ShardProcess]:
        """Each shard, with what it said last."""
        return list(self._shards.values())

    def devices(self) -> Iterable[tuple[str, Device]]:
        """Where the networks of each shard run."""
        for shard in self.processes():
            for device in shard.vitals.devices if shard.vitals else ():
                yield shard.id, device

    def close(self) -> None:
        """End whoever still looks."""
        for camera in self._placement:
            self._audience.end(camera)

    # What shards say

    def began(self, shard: ShardProcess) -> None:
        """It takes messages: it is told its cameras."""
        for known in self._placement.of(shard.id):
            self._watch(known)
        if all(one.state is ShardState.RUNNING for one in self._shards.values()):
            self.settled.set()

    def heard(self, shard: ShardProcess, message: FromShard) -> None:
        """What it says of its cameras counts; of one that is another's by now it does not."""
        match message:
            case Seen() if self._placement.is_of(shard.id, message.camera):
                self._seen(shard, message)
            case Changed() if self._placement.is_of(shard.id, message.camera):
                self._changed(_camera_message(message))
            case Shown() if self._may_be_seen(shard, message):
                self._audience.shown(message)
            case Coded() if self._may_be_seen(shard, message):
                self._play(message)
            case Masked(camera, number, media_time):
                self._masked.confirmed(CameraId(camera), number, media_time)
            case Unwatched(camera):
                self._leaving.gone(shard.id, camera)
            case Vitals():
                self._is_well(shard, message)
            case (
                Published() | Unpublished() | messages.Checked() | messages.Exchanged() | Refused()
            ):
                self._asked.answered(message)
            case Search():
                self._group.create_task(self._search(shard, message, _vectors(message)))

    def died(self, shard: ShardProcess, death: Death) -> None:
        """Its cameras wait for the next one; one that brings shards down is parted from others."""
        _log.error("shard %s: %s; it is begun again", shard.id, death.reason)
        self.settled.set()
        self._asked.died(shard.id)
        self._leaving.died(shard.id)
        for known in self._placement.of(shard.id):
            self._say(known, State.WAITING, f"its shard {death.reason}; it is begun again")
            self._metrics.roles.forget(known.spec.camera)
        guilty = self._placement.blame(shard.id, death)
        if guilty is None:
            return
        if guilty.is_given_up:
            self._give_up(guilty, death)
        elif guilty.shard not in self._shards:
            self._add(guilty.shard)

    def _give_up(self, known: Watched, death: Death) -> None:
        reason = f"its stream brought down {known.deaths} shards ({death.reason}); change it"
        self._say(known, State.FAILED, reason)
        self._drop_lone(known)

    # What shards are told

    def _add(self, name: str) -> None:
        shard = ShardProcess(msgspec.structs.replace(self._begin, shard=name), self._level, self)
        self._shards[name] = shard
        self._tasks[name] = self._group.create_task(shard.run(), name=f"shard {name}")

    def _drop_lone(self, known: Watched) -> None:
        """End the shard of a camera that had one of its own."""
        if self._placement.is_alone(known) and known.shard in self._shards:
            del self._shards[known.shard]
            self._tasks.pop(known.shard).cancel()

    def _shard_of(self, camera: CameraId) -> ShardProcess:
        known = self._placement.get(camera)
        if known is None or known.shard not in self._shards:
            raise Transient(f"camera {camera} is not watched now")
        return self._shards[known.shard]

    def _look(self, message: Look) -> None:
        known = self._placement.get(CameraId(message.camera))
        if known is not None and known.shard in self._shards:
            self._shards[known.shard].send(message)

    def _watch(self, known: Watched) -> None:
        """Tell its shard; one that does not run yet is told when it does."""
        shard = self._shards[known.shard]
        shard.send(self._watching(known.spec))
        for wish in self._audience.wishes(known.spec.camera):
            shard.send(wish)

    def _watching(self, spec: CameraSpec) -> Watch:
        numbers = self._numbers[spec.camera]
        return Watch(
            spec.camera,
            spec.url.with_secrets,
            numbers.seq,
            numbers.track,
            numbers.media_time,
            spec.options.model_dump_json(exclude_defaults=True),
            self._masked.number(spec.camera),
            view=spec.streams.view.with_secrets if spec.streams.view else "",
            detail=spec.streams.detail.with_secrets if spec.streams.detail else "",
        )

    # What cameras show

    def _may_be_seen(self, shard: ShardProcess, picture: Shown | Coded) -> bool:
        camera = CameraId(picture.camera)
        return self._placement.is_of(shard.id, camera) and self._masked.lets(
            camera, picture.media_time
        )

    def _is_well(self, shard: ShardProcess, vitals: Vitals) -> None:
        self._metrics.lagged(shard.id, vitals.lags)
        for stream in vitals.streams:
            if self._placement.is_of(shard.id, stream.camera):
                self._metrics.streams.told(CameraId(stream.camera), stream.observed)
        for second in vitals.seconds:
            if self._placement.is_of(shard.id, second.camera):
                self._metrics.roles.told(CameraId(second.camera), second.status)

    def _seen(self, shard: ShardProcess, seen: Seen) -> None:
        camera, track = CameraId(seen.camera), max((face.track for face in seen.faces), default=0)
        track = max(self._numbers[camera].track, track)
        media_time = max(self._numbers[camera].media_time, seen.media_time)
        self._numbers[camera] = Numbers(seen.seq, track, media_time)

        def told_as(person: PersonId) -> str | Literal[Status.IGNORED] | None:
            return None if shard.fence.hides(person) else self._told_as(person)

        for revision in revision_messages(seen, told_as):
            self._hub.publish(revision)
            self._metrics.revised(revision)
        if self._hub.is_too_old(seen.captured_at):
            self._metrics.too_old(camera)
            return
        message = frame_message(seen, told_as)
        self._hub.publish(message)
        self._metrics.seen(message)

    def _play(self, picture: Coded) -> None:
        camera = CameraId(picture.camera)
        numbers = self._numbers[camera]
        latest = max(numbers.media_time, picture.media_time)
        self._numbers[camera] = replace(numbers, media_time=latest)
        self._audience.played(picture)

    def _say(self, known: Watched, state: State, reason: str) -> None:
        camera = known.spec.camera
        self._changed(CameraMessage(camera=camera, state=state, reason=reason, since=time.time()))

    def _changed(self, message: CameraMessage) -> None:
        camera = CameraId(message.camera)
        if message.state not in CONNECTED:
            self._audience.cut(camera)
        self._metrics.changed(camera, message.state, message.cause)
        self._hub.publish(message)

    async def _search(self, shard: ShardProcess, asked: Search, vectors: Vectors) -> None:
        gallery = self._galleries.get(asked.pack)
        if gallery is None:
            shard.send(Found(asked.search, (), f"the pack {asked.pack} is not in use any more"))
            return
        try:
            found = await gallery.search(vectors)
        except (Transient, BadInput) as error:
            shard.send(Found(asked.search, (), str(error)))
            return
        rows = tuple(tuple((one.person, one.similarity) for one in row) for row in found)
        shard.send(Found(asked.search, rows))

    def _status(self, shard: ShardProcess) -> ShardStatus:
        return ShardStatus(
            id=shard.id,
            pid=shard.pid,
            state=shard.state,
            since=shard.since,
            restarts=shard.restarts,
            cameras=[known.spec.camera for known in self._placement.of(shard.id)],
            frames_per_second=shard.frames_per_second,
            resident_bytes=shard.vitals.resident_bytes if shard.vitals else 0,
            trouble=shard.trouble,
        )


def _vectors(search: Search) -> Vectors:
    try:
        return np.frombuffer(search.vectors, "<f4").reshape(-1, search.dimension)
    except ValueError as error:
        raise LinkBroken(f"it asked for what are no vectors: {error}") from None


def _camera_message(message: Changed) -> CameraMessage:
    return CameraMessage(
        camera=message.camera,
        state=message.state,
        reason=message.reason,
        since=message.since,
        load=message.load and LoadMessage(asked=message.load.asked, got=message.load.got),
        cause=message.cause,
    )
