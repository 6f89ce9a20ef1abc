"""The services put together: the one place that names the concrete ones."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from api.gallery.directory import Directory
from api.gallery.enrollment import Enrollment, EnrollmentPolicy
from api.gallery.index import Index, Place
from api.gallery.memory import Extent, MemoryIndex
from api.gallery.notifier import ChangeNotifier
from api.http.auth.passwords import Passwords
from api.http.auth.tickets import Tickets
from api.http.auth.tokens import Tokens
from api.http.health import Health
from api.http.services import Services
from api.live.engine import LocalEngine
from api.live.metrics import CameraMetrics
from api.program.machine import tell_of_machine
from api.program.resources import Resources, signing_key
from api.settings.settings import Settings
from api.store.cameras import Cameras
from api.store.changes import Changes, gallery_named
from api.store.faces import Faces
from api.store.people import People
from api.store.users import Users
from pipeline.build import Pipeline
from pipeline.errors import Transient
from pipeline.gallery.milvus import LiteStore, ServerStore, Store
from pipeline.settings import MilvusSettings

_GALLERY = "default"


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The services, and what of them the program has to run and to close."""

    services: Services
    engine: LocalEngine
    directory: Directory
    index: Index
    memory: MemoryIndex
    notifier: ChangeNotifier


async def assemble(
    group: asyncio.TaskGroup, settings: Settings, resources: Resources, pipeline: Pipeline
) -> Components:
    """Join database, gallery and line of rooms.

    Raises:
        Misconfigured: what is there does not fit.
        Transient: the database is away.
    """
    database, manifest = resources.database, pipeline.pack.manifest
    gallery = await gallery_named(database, _GALLERY)
    people, changes = People(database, gallery), Changes(database, gallery)
    faces = Faces(database, gallery, resources.keys)
    store = _store(settings.milvus, resources.folder / "gallery.db")
    place = Place(store, gallery, manifest.id, manifest.embedder.dimension)
    index = Index(place, changes, faces)
    extent = Extent(manifest.id, manifest.embedder.dimension, settings.search.exact_max_faces)
    memory = MemoryIndex(changes, faces, extent, index, lambda person: engine.retract(person))  # noqa: PLW0108 - made below
    directory = Directory(people, changes, lambda _: index.removed())
    notifier, metrics = ChangeNotifier(), _metrics(pipeline)
    engine = LocalEngine(group, pipeline, memory, directory.name, settings.rtsp, metrics)
    policy = EnrollmentPolicy(manifest.id, pipeline.threshold, settings.allow.duplicates)
    enrollment = Enrollment(
        people,
        faces,
        directory,
        notifier,
        pipeline.enroller(),
        pipeline.lanes,
        index,
        policy,
        memory.reached,
    )
    services = Services(
        settings=settings,
        pack=manifest,
        threshold=pipeline.threshold,
        users=Users(database),
        people=people,
        faces=faces,
        cameras=Cameras(database, resources.keys),
        changes=changes,
        passwords=Passwords(settings.password.hash_algorithm),
        tokens=_tokens(settings, resources.folder),
        tickets=Tickets(),
        directory=directory,
        index=index,
        enrollment=enrollment,
        analyzer=pipeline.analyzer(),
        engine=engine,
        results=engine,
        health=_health(changes, index, pipeline),
        registry=metrics.registry,
    )
    return Components(services, engine, directory, index, memory, notifier)


def _metrics(pipeline: Pipeline) -> CameraMetrics:
    metrics = CameraMetrics(CollectorRegistry())
    tell_of_machine(metrics.registry, pipeline.networks)
    return metrics


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


def _health(changes: Changes, index: Index, pipeline: Pipeline) -> Health:
    async def database() -> None:
        await changes.head()

    async def gallery() -> None:
        if index.trouble:
            raise Transient(index.trouble)

    async def lanes() -> None:
        await pipeline.lanes.run(lambda: None)

    return Health({"database": database, "gallery": gallery, "pipeline": lanes})
