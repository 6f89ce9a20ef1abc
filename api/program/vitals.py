"""What does not report by itself is looked at every few seconds: a scrape waits for nothing.

What cannot be seen keeps its last value; ``faceapi_part_up`` says that it is away.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.gallery.reembedding import Reembedder
from api.http.health import Health
from api.http.services import Services
from api.store.cameras import Cameras
from api.store.messages import NotFound
from pipeline.errors import Transient
from pipeline.messages import CameraId

_PERIOD = 5.0
"""Seconds between two looks."""

Look = Callable[[], Awaitable[None]]


async def watch_vitals(services: Services) -> None:
    """Look for ever; each look on its own, so that one that hangs delays no other."""
    registry, places = services.registry, services.settings.faceapi
    looks = (
        at_parts(registry, services.health),
        at_gallery(registry, services),
        at_reembedding(registry, services.reembedder),
        at_cameras(registry, services.cameras),
        at_disks(registry, {"data": places.data_dir, "cache": places.cache_dir}),
    )
    async with asyncio.TaskGroup() as group:
        for look in looks:
            group.create_task(_for_ever(look))


def at_parts(registry: CollectorRegistry, health: Health) -> Look:
    """Whether each part of /health is well."""
    up = Gauge("faceapi_part_up", "1 if this part of /health is well", ["part"], registry=registry)

    async def look() -> None:
        for part, trouble in (await health.troubles()).items():
            up.labels(part).set(not trouble)

    return look


def at_gallery(registry: CollectorRegistry, services: Services) -> Look:
    """How large the gallery is, and how far its index is behind."""
    people = Gauge("faceapi_gallery_people", "People in the gallery", registry=registry)
    faces = Gauge("faceapi_gallery_faces", "Their enrolled faces", registry=registry)
    head = Gauge("faceapi_log_head", "Number of the gallery's newest change", registry=registry)
    Gauge(
        "faceapi_index_position",
        "Number of the last change that is in the index",
        registry=registry,
    ).set_function(lambda: services.recognition.index.followed)

    async def look() -> None:
        census = await services.faces.census(services.recognition.pack.id)
        people.set(census.people)
        faces.set(census.faces)
        head.set((await services.changes.head()).number)

    return look


def at_reembedding(registry: CollectorRegistry, reembedder: Reembedder) -> Look:
    """How far the change of the pack is, if there was one."""
    faces = Gauge(
        "faceapi_reembedding_faces",
        "Faces by what became of them in the latest change of the pack",
        ["outcome"],
        registry=registry,
    )

    async def look() -> None:
        with contextlib.suppress(NotFound):
            tally = (await reembedder.status()).tally
            faces.labels("embedded").set(tally.embedded)
            faces.labels("refused").set(tally.refused)
            faces.labels("left").set(tally.left)

    return look


def at_cameras(registry: CollectorRegistry, cameras: Cameras) -> Look:
    """What the cameras that are to be watched are called."""
    names = _CameraNames()
    registry.register(names)

    async def look() -> None:
        names.known = await cameras.watched()

    return look


def at_disks(registry: CollectorRegistry, folders: Mapping[str, Path]) -> Look:
    """How much room there is where the folders lie; told by a word, not by their paths."""
    free = Gauge("faceapi_disk_free_bytes", "Room that is left", ["folder"], registry=registry)
    size = Gauge("faceapi_disk_size_bytes", "Room in all", ["folder"], registry=registry)

    async def look() -> None:
        for word, folder in folders.items():
            usage = await asyncio.to_thread(shutil.disk_usage, _nearest(folder))
            free.labels(word).set(usage.free)
            size.labels(word).set(usage.total)

    return look


class _CameraNames(Collector):
    """The names in one piece: at no moment has a camera two of them."""

    def __init__(self) -> None:
        self.known: Mapping[CameraId, str] = dict[CameraId, str]()

    def collect(self) -> Iterable[Metric]:
        """1 for each camera with its name."""
        family = GaugeMetricFamily(
            "faceapi_camera_info",
            "The cameras that are to be watched",
            labels=["camera", "name"],
        )
        for camera, name in self.known.items():
            family.add_metric([camera, name], 1)
        yield family


async def _for_ever(look: Look) -> None:
    while True:
        with contextlib.suppress(Transient, OSError):
            await look()
        await asyncio.sleep(_PERIOD)


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there: it will be made on that disk."""
    absolute = folder.expanduser().absolute()
    return next(one for one in (absolute, *absolute.parents) if one.exists())
