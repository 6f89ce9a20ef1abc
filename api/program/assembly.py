"""The services put together: the one place that names the concrete ones."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from api.gallery.directory import Directory
from api.gallery.enrollment import Enrollment, EnrollmentPolicy
from api.gallery.galleries import store_of
from api.gallery.index import Index, Place
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
from pipeline.messages import PersonId

_GALLERY = "default"


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The services, and what of them the program has to run and to close."""

    services: Services
    engine: LocalEngine
    directory: Directory
    index: Index
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
    store = store_of(settings.milvus, resources.folder / "gallery.db")
    place = Place(store, gallery, manifest.id, manifest.embedder.dimension)
    index = Index(place, changes, faces)

    def removed(person: PersonId) -> None:
        index.removed()
        engine.retract(person)

    directory, notifier = Directory(people, changes, removed), ChangeNotifier()
    metrics = CameraMetrics(CollectorRegistry())
    tell_of_machine(metrics.registry, pipeline.networks)
    engine = LocalEngine(group, pipeline, index, directory.name, settings.rtsp, metrics)
    policy = EnrollmentPolicy(manifest.id, pipeline.threshold, settings.allow.duplicates)
    enrollment = Enrollment(
        people, faces, directory, notifier, pipeline.enroller(), pipeline.lanes, index, policy
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
    return Components(services, engine, directory, index, notifier)


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
