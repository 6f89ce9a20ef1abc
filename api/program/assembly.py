"""The services put together: the one place that names the concrete ones."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from api.gallery.batched import BatchedGallery
from api.gallery.checking import GalleryChecker
from api.gallery.directory import Directory
from api.gallery.enrollment import Enrollment, EnrollmentPolicy
from api.gallery.index import Index, Place
from api.gallery.notifier import ChangeNotifier
from api.http.admission import Admission
from api.http.auth.passwords import Passwords
from api.http.auth.tickets import Tickets
from api.http.auth.tokens import Tokens
from api.http.health import Health
from api.http.services import Services
from api.live.engine import ShardState
from api.live.hub import Hub
from api.live.ice import ice_of
from api.live.metrics import CameraMetrics
from api.playback.metrics import tell_of_playback
from api.playback.process import PlaybackProcess
from api.program.machine import tell_of_machine
from api.program.resources import Resources, signing_key
from api.settings.settings import Settings
from api.shards.begin import begin_of
from api.shards.engine import ShardedEngine
from api.shards.metrics import tell_of_shards
from api.store.cameras import Cameras
from api.store.changes import Changes, gallery_named
from api.store.database import Database
from api.store.faces import Faces
from api.store.people import People
from api.store.users import Users
from pipeline.build import Pipeline
from pipeline.errors import Transient
from pipeline.gallery.milvus import LiteStore, ServerStore, Store
from pipeline.inference import cores
from pipeline.messages import GalleryId, PersonId
from pipeline.settings import MilvusSettings

_GALLERY = "default"


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The services, and what of them the program has to run and to close."""

    services: Services
    engine: ShardedEngine
    playback: PlaybackProcess
    directory: Directory
    index: Index
    notifier: ChangeNotifier
    metrics: CameraMetrics


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    """The truth, and who follows it."""

    id: GalleryId
    people: People
    faces: Faces
    changes: Changes
    index: Index
    directory: Directory
    notifier: ChangeNotifier


async def assemble(
    group: asyncio.TaskGroup, settings: Settings, resources: Resources, pipeline: Pipeline
) -> Components:
    """Join database, gallery and cameras.

    Raises:
        Misconfigured: what is there does not fit.
        Transient: the database is away.
    """
    database, metrics = resources.database, CameraMetrics(CollectorRegistry())
    hub = Hub(metrics.registry, settings.live)
    group.create_task(hub.see_them_leave(), name="presence")
    gallery = await _gallery(settings, resources, pipeline, hub)
    engine = _engine(group, settings, database, gallery, metrics, hub)
    playback = _playback(group, settings, engine, metrics)
    tell_of_shards(metrics.registry, engine)
    tell_of_machine(metrics.registry, pipeline.networks, engine.devices)
    services = Services(
        settings=settings,
        pack=pipeline.pack.manifest,
        threshold=pipeline.threshold,
        users=Users(database),
        people=gallery.people,
        faces=gallery.faces,
        cameras=Cameras(database, resources.keys),
        changes=gallery.changes,
        passwords=Passwords(settings.password.hash_algorithm),
        tokens=_tokens(settings, resources.folder),
        tickets=Tickets(),
        admission=Admission(settings.live, metrics.registry),
        directory=gallery.directory,
        index=gallery.index,
        checker=GalleryChecker(gallery.faces, pipeline.pack.manifest.id, pipeline.threshold),
        enrollment=_enrollment(settings, gallery, pipeline, engine),
        destinations=settings.rtsp.destinations,
        analyzer=pipeline.analyzer(),
        engine=engine,
        results=engine,
        shards=engine,
        playback=playback,
        health=_health(gallery, pipeline, engine, playback),
        registry=metrics.registry,
    )
    followers = (gallery.directory, gallery.index, gallery.notifier)
    return Components(services, engine, playback, *followers, metrics)


async def _gallery(
    settings: Settings, resources: Resources, pipeline: Pipeline, hub: Hub
) -> _Gallery:
    database, manifest = resources.database, pipeline.pack.manifest
    gallery = await gallery_named(database, _GALLERY)
    people, changes = People(database, gallery), Changes(database, gallery)
    faces = Faces(database, gallery, resources.keys)
    store = _store(settings.milvus, resources.folder / "gallery.db")
    place = Place(store, gallery, manifest.id, manifest.embedder.dimension)
    index = Index(place, changes, faces)

    def removed(person: PersonId) -> None:
        index.removed()
        hub.hide({person})

    directory = Directory(people, changes, removed)
    return _Gallery(gallery, people, faces, changes, index, directory, ChangeNotifier())


def _engine(
    group: asyncio.TaskGroup,
    settings: Settings,
    database: Database,
    gallery: _Gallery,
    metrics: CameraMetrics,
    hub: Hub,
) -> ShardedEngine:
    """The cameras, with their shards begun."""
    count = settings.engine.count(cores())
    engine = ShardedEngine(
        group,
        begin_of(settings, database.address, gallery.id, count),
        settings.log.level,
        BatchedGallery(group, gallery.index),
        gallery.directory.told_as,
        metrics,
        hub,
    )
    engine.begin(count)
    return engine


def _playback(
    group: asyncio.TaskGroup, settings: Settings, engine: ShardedEngine, metrics: CameraMetrics
) -> PlaybackProcess:
    """Live video for viewers, not begun yet."""
    playback = PlaybackProcess(
        group,
        engine,
        lambda: ice_of(settings),
        settings.webrtc.most_viewers,
        settings.log.level,
        lambda lags: metrics.lagged("playback", lags),
    )
    tell_of_playback(metrics.registry, playback)
    return playback


def _enrollment(
    settings: Settings, gallery: _Gallery, pipeline: Pipeline, engine: ShardedEngine
) -> Enrollment:
    pack = pipeline.pack.manifest.id
    return Enrollment(
        gallery.people,
        gallery.faces,
        gallery.directory,
        gallery.notifier,
        pipeline.enroller(),
        pipeline.lanes,
        gallery.index,
        EnrollmentPolicy(pack, pipeline.threshold, settings.allow.duplicates),
        engine.gone,
    )


def _store(settings: MilvusSettings, file: Path) -> Store:
    """The server that is named, or else Milvus Lite in ``file``."""
    if settings.db_host is None:
        return LiteStore(file)
    password = settings.db_password.get_secret_value() if settings.db_password else None
    return ServerStore(
        settings.db_host, settings.db_port, settings.db_user, settings.db_db_name, password
    )


def _tokens(settings: Settings, folder: Path) -> Tokens:
    return Tokens(
        signing_key(settings.jwt, folder),
        settings.jwt.algorithm,
        timedelta(minutes=settings.access.token_expire_minutes),
    )


def _health(
    gallery: _Gallery, pipeline: Pipeline, engine: ShardedEngine, playback: PlaybackProcess
) -> Health:
    async def database() -> None:
        await gallery.changes.head()

    async def index() -> None:
        if gallery.index.trouble:
            raise Transient(gallery.index.trouble)

    async def lanes() -> None:
        await pipeline.lanes.run(lambda: None)

    async def shards() -> None:
        for shard in engine.statuses():
            if shard.state is not ShardState.RUNNING:
                raise Transient(f"shard {shard.id} is {shard.state}: {shard.trouble or 'it loads'}")

    async def viewers() -> None:
        if playback.trouble:
            raise Transient(f"live video cannot be viewed: {playback.trouble}")

    parts = {
        "database": database,
        "gallery": index,
        "pipeline": lanes,
        "shards": shards,
        "playback": viewers,
    }
    fallen = f"MODEL_DEVICE=auto runs on the CPU: {pipeline.fallen}" if pipeline.fallen else ""
    return Health(parts, {"pipeline": fallen})
