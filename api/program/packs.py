"""Model packs opened in this program: the gallery's own at the start, and another one beside it."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

import api.embedding.messages as embedding
from api.gallery.checking import GalleryChecker
from api.gallery.index import Index, Place
from api.gallery.models import opened_by, used_pack
from api.gallery.notifier import ChangeNotifier
from api.gallery.recognition import Recognition
from api.program.resources import Resources
from api.program.switching import Made
from api.settings.settings import Settings
from api.shards.begin import begin_of
from api.shards.messages import Begin
from api.store.changes import Changes, gallery_named
from api.store.faces import Faces
from api.store.packs import Packs, UsedPack
from api.store.people import People
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.errors import Misconfigured
from pipeline.gallery.milvus import LiteStore, ServerStore, Store
from pipeline.inference import Lanes
from pipeline.messages import GalleryId
from pipeline.packs.pack import Progress
from pipeline.settings import MilvusSettings, ModelSettings

_log = logging.getLogger(__name__)

_GALLERY = "default"


@dataclass(frozen=True, slots=True, eq=False)
class GalleryRooms:
    """The truth about one gallery, and what wakes its followers."""

    id: GalleryId
    people: People
    faces: Faces
    changes: Changes
    packs: Packs
    notifier: ChangeNotifier


async def open_gallery(resources: Resources) -> GalleryRooms:
    """The gallery of this program."""
    database, keys = resources.database, resources.keys
    gallery = await gallery_named(database, _GALLERY)
    return GalleryRooms(
        gallery,
        People(database, gallery),
        Faces(database, gallery, keys),
        Changes(database, gallery),
        Packs(database, gallery, keys),
        ChangeNotifier(),
    )


@dataclass(frozen=True, slots=True, eq=False)
class PackMaker:
    """Opens packs in this program, in the lanes of the first one."""

    settings: Settings
    resources: Resources
    gallery: GalleryRooms
    lanes: Lanes

    def settings_of(self, used: UsedPack) -> Settings:
        """The settings in force, with a pack of the store."""
        model = opened_by(used, self.settings.model)
        return self.settings.model_copy(update={"model": model})

    async def make(self, used: UsedPack) -> Made:
        """Open what the store names.

        Raises:
            Misconfigured: it is not here, or another one lies in its place.
        """
        pipeline = await asyncio.to_thread(load, self.settings_of(used), _silent, self.lanes)
        if pipeline.pack.manifest.id != used.id:
            raise Misconfigured(
                f"what opens as {pipeline.pack.manifest.id} now was the pack {used.id}"
            )
        return self.made(used, pipeline)

    def made(self, used: UsedPack, pipeline: Pipeline) -> Made:
        """What recognizes by a pipeline."""
        manifest, gallery = pipeline.pack.manifest, self.gallery
        store = _store(self.settings.milvus, self.resources.folder / "gallery.db")
        place = Place(store, gallery.id, manifest.id, manifest.embedder.dimension)
        recognition = Recognition(
            pack=manifest,
            threshold=pipeline.threshold,
            index=Index(place, gallery.changes, gallery.faces),
            checker=GalleryChecker(gallery.faces, manifest.id, pipeline.threshold),
            analyzer=pipeline.analyzer(),
            enroller=pipeline.enroller(),
            networks=pipeline.networks,
            fallen=pipeline.fallen,
        )
        return Made(used, recognition, pipeline)

    def begin(self, used: UsedPack, shards: int) -> Begin:
        """What shards are told first."""
        address = self.resources.database.address
        return begin_of(self.settings_of(used), address, self.gallery.id, shards, used.id)

    def begin_embedding(self, used: UsedPack) -> embedding.Begin:
        """What the process that embeds is told."""
        return embedding.Begin(
            version=embedding.VERSION,
            settings=self.begin(used, 1).settings,
            database=self.resources.database.address,
            gallery=self.gallery.id,
        )


async def first_pack(
    maker: PackMaker, packs: Packs, model: ModelSettings, configured: Pipeline
) -> Made:
    """The pack of the gallery: the configured one, but where another one made its templates.

    Raises:
        Misconfigured: that one cannot be opened.
    """
    asked = used_pack(configured.pack.manifest.id, model)
    used = await packs.settle(asked)
    if used.id == asked.id:
        return maker.made(used, configured)
    change = f"`faceapi gallery reembed --pack {model.pack}`"
    try:
        made = await maker.make(used)
    except Misconfigured as error:
        raise Misconfigured(
            f"the pack {used.id} made the templates of this gallery: MODEL_PACK={model.pack} "
            f"cannot compare them, and {used.id} cannot be opened ({error}). Make it available, or "
            f"set MODEL_PACK back to it; then {change} makes the templates anew"
        ) from error
    _log.warning("%s", not_configured(used.id, model.pack))
    await asyncio.to_thread(configured.opened.close)
    return made


def not_configured(used: str, configured: str) -> str:
    """What to do where the settings name another pack than the gallery's."""
    return (
        f"people are named by the pack {used}, which made the templates of this gallery, and not "
        f"by MODEL_PACK={configured}: `faceapi gallery reembed` changes to that one, or set "
        f"MODEL_PACK={used}"
    )


def load(settings: Settings, progress: Progress, lanes: Lanes | None = None) -> Pipeline:
    """The line of rooms, with its networks opened, in lanes that are there or its own; blocks."""
    pack = open_configured_pack(settings.model, settings.faceapi.cache_dir, progress)
    return build(settings, pack, lanes)


def _silent(*_: object) -> None:
    """Nobody watches a pack being opened while the service runs."""


def _store(settings: MilvusSettings, file: Path) -> Store:
    """The server that is named, or else Milvus Lite in ``file``."""
    if settings.db_host is None:
        return LiteStore(file)
    password = settings.db_password.get_secret_value() if settings.db_password else None
    return ServerStore(
        settings.db_host, settings.db_port, settings.db_user, settings.db_db_name, password
    )
