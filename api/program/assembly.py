"""The services put together: the one place that names the concrete ones."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from api.embedding.process import EmbeddingProcess
from api.gallery.batched import BatchedGallery
from api.gallery.directory import Directory
from api.gallery.enrollment import Enrollment
from api.gallery.notifier import ChangeNotifier
from api.gallery.recognition import CurrentRecognition
from api.gallery.reembedding import Reembedder
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
from api.program.packs import (
    GalleryRooms,
    PackMaker,
    first_pack,
    not_configured,
    open_gallery,
)
from api.program.resources import Resources, signing_key
from api.program.switching import Made, Means, PackSwitch
from api.settings.settings import Settings
from api.shards.engine import ShardedEngine
from api.shards.metrics import tell_of_shards
from api.store.cameras import Cameras
from api.store.users import Users
from pipeline.build import Pipeline
from pipeline.errors import Transient
from pipeline.inference import Lanes, cores
from pipeline.messages import PersonId


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The services, and what of them the program has to run and to close."""

    services: Services
    engine: ShardedEngine
    playback: PlaybackProcess
    directory: Directory
    switch: PackSwitch
    notifier: ChangeNotifier
    metrics: CameraMetrics


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
    gallery = await open_gallery(resources)
    maker = PackMaker(settings, resources, gallery, pipeline.lanes)
    first = await first_pack(maker, gallery.packs, settings.model, pipeline)
    current = CurrentRecognition(first.recognition)
    directory = Directory(gallery.people, gallery.changes, _on_removed(current, hub))
    engine = _engine(group, maker, first, directory, metrics, hub)
    playback = _playback(group, settings, engine, metrics)
    cache = settings.faceapi.cache_dir
    reembedder = Reembedder(gallery.packs, settings.model, cache, gallery.notifier)
    remark = _remark(current, reembedder, settings, pipeline)
    tell_of_shards(metrics.registry, engine)
    tell_of_machine(metrics.registry, lambda: current.now.networks, engine.devices)
    services = Services(
        settings=settings,
        current=current,
        users=Users(database),
        people=gallery.people,
        faces=gallery.faces,
        cameras=Cameras(database, resources.keys),
        changes=gallery.changes,
        passwords=Passwords(settings.password.hash_algorithm),
        tokens=_tokens(settings, resources.folder),
        tickets=Tickets(),
        admission=Admission(settings.live, metrics.registry),
        directory=directory,
        reembedder=reembedder,
        enrollment=_enrollment(settings, gallery, directory, current, pipeline.lanes, engine),
        destinations=settings.rtsp.destinations,
        engine=engine,
        results=engine,
        shards=engine,
        playback=playback,
        health=_health(gallery, current, pipeline.lanes, engine, playback, remark),
        registry=metrics.registry,
    )
    switch = _switch(group, maker, current, first, engine, reembedder)
    return Components(services, engine, playback, directory, switch, gallery.notifier, metrics)


def _remark(
    current: CurrentRecognition, reembedder: Reembedder, settings: Settings, pipeline: Pipeline
) -> Callable[[], str]:
    """What health says of the pack: how far its change is, or that another one is configured."""
    configured = pipeline.pack.manifest.id

    def remark() -> str:
        used = current.now.pack.id
        told = "" if used == configured else not_configured(used, settings.model.pack)
        return reembedder.progress or told

    return remark


def _enrollment(
    settings: Settings,
    gallery: GalleryRooms,
    directory: Directory,
    current: CurrentRecognition,
    lanes: Lanes,
    engine: ShardedEngine,
) -> Enrollment:
    return Enrollment(
        gallery.people,
        gallery.faces,
        directory,
        gallery.notifier,
        current,
        lanes,
        settings.allow.duplicates,
        engine.gone,
    )


def _on_removed(current: CurrentRecognition, hub: Hub) -> Callable[[PersonId], None]:
    def removed(person: PersonId) -> None:
        current.now.index.removed()
        hub.hide({person})

    return removed


def _switch(
    group: asyncio.TaskGroup,
    maker: PackMaker,
    current: CurrentRecognition,
    first: Made,
    engine: ShardedEngine,
    reembedder: Reembedder,
) -> PackSwitch:
    count = maker.settings.engine.count(cores())

    async def adopt(made: Made) -> None:
        gallery = BatchedGallery(group, made.recognition.index)
        await engine.adopt(maker.begin(made.used, count), gallery)

    means = Means(maker.make, maker.begin_embedding, adopt)
    embedding = EmbeddingProcess(group, maker.settings.log.level)
    gallery = maker.gallery
    return PackSwitch(
        group, gallery.packs, current, first, means, embedding, reembedder, gallery.notifier
    )


def _engine(
    group: asyncio.TaskGroup,
    maker: PackMaker,
    first: Made,
    directory: Directory,
    metrics: CameraMetrics,
    hub: Hub,
) -> ShardedEngine:
    """The cameras, with their shards begun."""
    count = maker.settings.engine.count(cores())
    engine = ShardedEngine(
        group,
        maker.begin(first.used, count),
        maker.settings.log.level,
        BatchedGallery(group, first.recognition.index),
        directory.told_as,
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


def _tokens(settings: Settings, folder: Path) -> Tokens:
    return Tokens(
        signing_key(settings.jwt, folder),
        settings.jwt.algorithm,
        timedelta(minutes=settings.access.token_expire_minutes),
    )


def _health(
    gallery: GalleryRooms,
    current: CurrentRecognition,
    lanes: Lanes,
    engine: ShardedEngine,
    playback: PlaybackProcess,
    remark: Callable[[], str],
) -> Health:
    async def database() -> None:
        await gallery.changes.head()

    async def index() -> None:
        if current.now.index.trouble:
            raise Transient(current.now.index.trouble)

    async def pipeline() -> None:
        await lanes.run(lambda: None)

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
        "pipeline": pipeline,
        "shards": shards,
        "playback": viewers,
    }
    return Health(parts, {"pipeline": lambda: _fallen(current), "gallery": remark})


def _fallen(current: CurrentRecognition) -> str:
    why = current.now.fallen
    return f"MODEL_DEVICE=auto runs on the CPU: {why}" if why else ""
