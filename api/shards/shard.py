"""Inside a shard: cameras are watched here, as the program asks, and it is told what they show."""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import IO

import numpy as np

from api.gallery.memory import Extent, MemoryIndex
from api.gallery.notifier import ChangeNotifier
from api.live.coded import Coded
from api.live.local import LocalEngine, Numbers
from api.live.metrics import PERIOD, one_lag
from api.live.seen import seen
from api.live.video import Picture
from api.processes.child import tell
from api.processes.entry import cpu_seconds, resident_bytes
from api.processes.link import Link, LinkBroken, Outbox
from api.settings.settings import Settings
from api.shards.crash import CrashLog
from api.shards.messages import (
    VERSION,
    Adopt,
    Answer,
    Begin,
    Changed,
    Check,
    Checked,
    Device,
    Exchange,
    Exchanged,
    Found,
    FromShard,
    Halt,
    Hello,
    Hide,
    Masked,
    Play,
    Publish,
    Published,
    Reach,
    Reached,
    Ready,
    Refusal,
    Refused,
    RequestKey,
    Search,
    Second,
    Show,
    Shown,
    Stream,
    ToShard,
    Unpublish,
    Unpublished,
    Unwatch,
    Unwatched,
    Vitals,
    Watch,
)
from api.store.changes import Changes
from api.store.database import Database
from api.store.faces import Faces
from api.store.sealing import Keyring
from ingest.address import CameraUrl, camera_address
from ingest.fleet import CameraSpec
from ingest.options import CameraOptions
from ingest.playable import Playable
from ingest.roles import Streams
from ingest.source import StateChange
from ingest.troubles import cause_of
from ingest.webrtc.session import Occupied
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.errors import BadInput, FaceapiError, Misconfigured, Transient, first_of
from pipeline.inference import Lanes, Placed
from pipeline.messages import (
    CameraId,
    GalleryId,
    Match,
    PackId,
    PersonId,
    Result,
    Vectors,
)

_WAITING = 256
"""Results and pictures that wait to be sent."""
_PERIOD = 0.5
"""Seconds between two words of how it is."""
_PATIENCE = 1.0
"""Seconds that the program may take for a search."""


class Post:
    """What is told to the program, and what is asked of it: an ``Output``, and galleries."""

    def __init__(self, crash: CrashLog) -> None:
        self.outbox = Outbox[FromShard](_WAITING)
        self._crash = crash
        self._searches: dict[int, asyncio.Future[Found]] = {}
        self._numbers = count()
        self._lost = 0
        self._counting = threading.Lock()

    def seen(self, result: Result) -> None:
        """A frame was analysed."""
        if result.revisions:  # nobody would ever hear again that those names were wrong
            self.outbox.put(seen(result))
        else:
            self.outbox.put_losable(seen(result))

    def changed(self, camera: CameraId, change: StateChange) -> None:
        """A camera is in another state."""
        now = time.time()
        self.outbox.put(
            Changed(camera, change.state, change.reason, now, change.load, change.cause)
        )

    def shown(self, camera: CameraId, picture: Picture) -> None:
        """A picture that somebody wants to see."""
        shown = Shown(camera, picture.seq, picture.media_time, picture.captured_at, picture.jpeg)
        self.outbox.put_losable(shown)

    async def coded(self, camera: CameraId, picture: Playable) -> None:
        """A coded picture that somebody plays; returns when there is room for the next one."""
        await self.outbox.put_large(Coded(camera, *picture), len(picture.data))

    def lost(self, pictures: int) -> None:
        """So many coded pictures waited too long; on any thread."""
        with self._counting:
            self._lost += pictures

    @property
    def dropped(self) -> int:
        """What waited too long to be sent."""
        return self.outbox.dropped + self._lost

    def decodes(self, camera: CameraId) -> None:
        """The calling thread decodes this camera's pictures from now on."""
        self._crash.thread_of(camera)

    async def search(self, vectors: Vectors, pack: PackId) -> Sequence[Sequence[Match]]:
        """For each vector, made by ``pack``, its nearest people as the program finds them.

        Raises:
            Transient: it is out of reach, or takes longer than a second.
        """
        number = next(self._numbers)
        answer = self._searches[number] = asyncio.get_running_loop().create_future()
        written = np.ascontiguousarray(vectors, "<f4").tobytes()
        self.outbox.put(Search(number, written, vectors.shape[1], pack))
        try:
            found = await asyncio.wait_for(answer, _PATIENCE)
        except TimeoutError:
            raise Transient("the gallery did not answer in time") from None
        finally:
            del self._searches[number]
        if found.problem:
            raise Transient(found.problem)
        return [[Match(PersonId(who), how) for who, how in row] for row in found.matches]

    def found(self, answer: Found) -> None:
        """A search was answered; nobody may wait for it any more."""
        waiting = self._searches.get(answer.search)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)


@dataclass(frozen=True, slots=True)
class ProgramGallery:
    """The gallery of one pack as the program searches it."""

    post: Post
    pack: PackId

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector its nearest people, nearest first.

        Raises:
            Transient: it is out of reach, or takes longer than a second.
        """
        return await self.post.search(vectors, self.pack)


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """A pack in this process: its line of rooms, its gallery, and what follows the log."""

    pipeline: Pipeline
    memory: MemoryIndex
    following: asyncio.Task[None]


class Recognitions:
    """Makes the line and the gallery of a pack."""

    def __init__(
        self, group: asyncio.TaskGroup, begin: Begin, database: Database, post: Post
    ) -> None:
        self._group = group
        self._begin = begin
        self._database = database
        self._post = post
        self._notifier = ChangeNotifier()
        group.create_task(self._notifier.listen(database))

    def of(
        self,
        settings: Settings,
        pipeline: Pipeline,
        retract: Callable[[PersonId], None],
        renew: Callable[[], None],
    ) -> Recognition:
        """The gallery beside a line, on its way into memory."""
        gallery, manifest = GalleryId(self._begin.gallery), pipeline.pack.manifest
        keys = Keyring.open(settings.faceapi.data_dir.expanduser())
        faces = Faces(self._database, gallery, keys)
        extent = Extent(manifest.id, manifest.embedder.dimension, settings.search.exact_max_faces)
        beyond = ProgramGallery(self._post, manifest.id)
        changes = Changes(self._database, gallery)
        memory = MemoryIndex(changes, faces, extent, beyond, retract, renew)
        following = self._group.create_task(memory.follow(self._notifier))
        return Recognition(pipeline, memory, following)


class Shard:
    """What the program asks for, done.

    Args:
        group: in which it runs.
        current: the pack that it begins with.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        engine: LocalEngine,
        current: Recognition,
        recognitions: Recognitions,
        post: Post,
    ) -> None:
        self._group = group
        self.engine = engine
        self.current = current
        self._in_use = [current]
        """While packs are changed, both: what was deleted must be out of either gallery."""
        self._recognitions = recognitions
        self._post = post
        self._adopting = asyncio.Lock()

    def obey(self, message: ToShard) -> None:
        """Do what a message asks for; what takes time is done beside."""
        match message:
            case Adopt(settings):
                self._group.create_task(self._adopt(settings))
            case Watch():
                self._group.create_task(self._watch(message))
            case Unwatch(camera):
                self._group.create_task(self._unwatch(CameraId(camera)))
            case Show() | Hide() | Play() | Halt() | RequestKey():
                self._attend(message)
            case Publish() | Unpublish() | Check() | Exchange():
                self._group.create_task(self._answer(message))
            case Reach(number):
                self._group.create_task(self._reach(number))
            case Found():
                self._post.found(message)
            case Begin():
                raise LinkBroken("it was begun twice")

    def _attend(self, message: Show | Hide | Play | Halt | RequestKey) -> None:
        """Somebody looks at a camera, or nobody any more."""
        camera = CameraId(message.camera)
        match message:
            case Show():
                self.engine.show(camera)
            case Hide():
                self.engine.hide(camera)
            case Play():
                self.engine.play(camera)
            case Halt():
                self.engine.halt(camera)
            case RequestKey():
                self.engine.request_key(camera)

    async def _watch(self, message: Watch) -> None:
        spec, after = _wanted(message)
        latest = self.engine.mask(spec.camera, spec.options.masks)
        self._post.outbox.put(Masked(spec.camera, message.masks, latest))
        await self.engine.put(spec, after)

    async def _unwatch(self, camera: CameraId) -> None:
        await self.engine.remove(camera)
        self._post.outbox.put(Unwatched(camera))

    async def _answer(self, message: Publish | Unpublish | Check | Exchange) -> None:
        match message:
            case Publish():
                answer = await self._publish(message)
            case Unpublish():
                answer = await self._unpublish(message)
            case _:
                answer = await self._try(message)
        self._post.outbox.put(answer)

    async def _publish(self, message: Publish) -> Answer:
        def refuse(why: Refusal, error: FaceapiError) -> Refused:
            return Refused(message.request, why, str(error))

        try:
            made = await self.engine.publish(CameraId(message.camera), message.offer, message.ice)
        except BadInput as error:
            return refuse(Refusal.BAD_INPUT, error)
        except Occupied as error:
            return refuse(Refusal.OCCUPIED, error)
        except Transient as error:
            return refuse(Refusal.UNREADY, error)
        return Published(message.request, made.session, made.answer)

    async def _unpublish(self, message: Unpublish) -> Answer:
        if await self.engine.unpublish(CameraId(message.camera), message.session):
            return Unpublished(message.request)
        problem = f"there is no session {message.session}; it may be over"
        return Refused(message.request, Refusal.UNKNOWN, problem)

    async def _try(self, message: Check | Exchange) -> Answer:
        """Connect to a camera of which it is not known whether anything comes from there."""
        try:
            if isinstance(message, Exchange):
                await self.engine.exchange(*_wanted(message.watch))
                return Exchanged(message.request)
            options = CameraOptions.model_validate_json(message.options)
            seen = await self.engine.check(CameraUrl.parse(message.url), options)
        except (Transient, BadInput, Misconfigured) as error:
            return Refused(message.request, Refusal.UNUSABLE, str(error), cause_of(error))
        return Checked(message.request, seen.video, seen.jpeg)

    async def _adopt(self, told: str) -> None:
        """Go on with another pack; the one before works until the new one has its gallery."""
        settings = Settings.model_validate_json(told)
        async with self._adopting:
            before = self.current
            lanes = before.pipeline.lanes
            pipeline = await asyncio.to_thread(_pipeline, settings, lanes)
            new = self._recognitions.of(settings, pipeline, self.engine.retract, self.engine.renew)
            self._in_use.append(new)
            await new.memory.loaded.wait()
            await new.memory.reached(before.memory.position)
            await self.engine.adopt(pipeline, new.memory)
            self.current = new
            self._in_use.remove(before)
            before.following.cancel()
            await asyncio.to_thread(before.pipeline.opened.close)

    async def _reach(self, number: int) -> None:
        for one in list(self._in_use):
            await one.memory.reached(number)
        self._post.outbox.put(Reached(number))


def _wanted(message: Watch) -> tuple[CameraSpec, Numbers]:
    """A camera that is to be watched, and where its numbers go on."""
    spec = CameraSpec(
        CameraId(message.camera),
        camera_address(message.url),
        CameraOptions.model_validate_json(message.options),
        Streams(
            CameraUrl.parse(message.view) if message.view else None,
            CameraUrl.parse(message.detail) if message.detail else None,
        ),
    )
    return spec, Numbers(message.after_seq, message.after_track, message.after_media_time)


class Vital:
    """How this process is; said from the first moment, long before it can watch anything."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self.networks: Mapping[str, Placed] = dict[str, Placed]()
        self.shard: Shard | None = None

    async def tell(self) -> None:
        """Say it twice a second, for ever."""
        while True:
            lags = [await one_lag() for _ in range(round(_PERIOD / PERIOD))]
            self._post.outbox.put(self._vitals(lags))

    def _vitals(self, lags: Sequence[float]) -> Vitals:
        shard = self.shard
        networks = shard.current.pipeline.networks if shard else self.networks
        return Vitals(
            resident_bytes=resident_bytes(),
            cpu_seconds=cpu_seconds(),
            tasks=len(asyncio.all_tasks()),
            threads=threading.active_count(),
            lags=tuple(lags),
            dropped=self._post.dropped,
            position=shard.current.memory.position if shard else 0,
            devices=tuple(
                Device(role, network.device, network.used) for role, network in networks.items()
            ),
            streams=tuple(
                Stream(camera, one)
                for camera, one in (shard.engine.observed() if shard else {}).items()
            ),
            pack=shard.current.pipeline.pack.manifest.id if shard else "",
            seconds=tuple(
                Second(camera, one)
                for camera, one in (shard.engine.second_streams() if shard else ())
            ),
        )


async def run(link: Link[FromShard, ToShard], crash: IO[str]) -> None:
    """Watch cameras until the program has gone.

    Args:
        link: to the program.
        crash: what a crash is written to.

    Raises:
        LinkBroken: the program has gone, or is of another version.
        Misconfigured: settings, model pack or keys cannot be used here.
        Fatal: the networks do not run any more.
    """
    await link.send([Hello(VERSION)])
    (begin,) = await link.receive()
    if not isinstance(begin, Begin) or begin.version != VERSION:
        raise LinkBroken(f"the program does not speak version {VERSION} of what travels")
    settings, post = Settings.model_validate_json(begin.settings), Post(CrashLog(crash))
    vital = Vital(post)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(tell(link, post.outbox))
            group.create_task(vital.tell())
            pipeline = await asyncio.to_thread(_pipeline, settings)
            vital.networks = pipeline.networks
            database = await Database.open(begin.database, at_once=False)
            shard = _assembled(group, begin, settings, database, pipeline, post)
            vital.shard = shard
            post.outbox.put(Ready())
            while True:
                for message in await link.receive():
                    shard.obey(message)
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None


def _assembled(
    group: asyncio.TaskGroup,
    begin: Begin,
    settings: Settings,
    database: Database,
    pipeline: Pipeline,
    post: Post,
) -> Shard:
    """Gallery and cameras joined, and followed."""

    def retract(person: PersonId) -> None:
        engine.retract(person)

    def renew() -> None:
        engine.renew()

    recognitions = Recognitions(group, begin, database, post)
    current = recognitions.of(settings, pipeline, retract, renew)
    engine = LocalEngine(group, pipeline, current.memory, settings.rtsp, post)
    return Shard(group, engine, current, recognitions, post)


def _pipeline(settings: Settings, lanes: Lanes | None = None) -> Pipeline:
    """The line of rooms, in lanes that are there or in new ones; blocks."""
    pack = open_configured_pack(settings.model, settings.faceapi.cache_dir, lambda *_: None)
    return build(settings, pack, lanes)
