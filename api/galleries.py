"""Galleries as the settings ask for them."""

import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from pipeline.gallery.milvus import LiteStore, MilvusGallery, ServerStore, Store
from pipeline.messages import GalleryId
from pipeline.packs.manifest import Manifest
from pipeline.settings import MilvusSettings


@asynccontextmanager
async def temporary_gallery(
    settings: MilvusSettings, pack: Manifest
) -> AsyncIterator[MilvusGallery]:
    """An empty gallery of one's own that is gone afterwards: templates are biometric data."""
    gallery_id = GalleryId(f"watch-{uuid.uuid4().hex[:12]}")
    with _store(settings) as store:
        gallery = await MilvusGallery.open(store, gallery_id, pack.id, pack.embedder.dimension)
        try:
            yield gallery
        finally:
            await gallery.drop()
            await gallery.close()


@contextmanager
def _store(settings: MilvusSettings) -> Iterator[Store]:
    """The server that is named, or a file that nobody else can read and that goes at the end."""
    if settings.db_host:
        password = settings.db_password.get_secret_value() if settings.db_password else None
        yield ServerStore(
            settings.db_host, settings.db_port, settings.db_user, settings.db_db_name, password
        )
        return
    with tempfile.TemporaryDirectory(prefix="faceapi-") as folder:
        yield LiteStore(Path(folder) / "gallery.db")
