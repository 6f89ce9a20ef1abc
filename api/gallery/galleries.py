"""Galleries as the settings ask for them."""

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pipeline.gallery.client import let_go
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
    with tempfile.TemporaryDirectory(prefix="faceapi-") as folder:
        store = store_of(settings, Path(folder) / "gallery.db")
        gallery = await MilvusGallery.open(store, gallery_id, pack.id, pack.embedder.dimension)
        try:
            yield gallery
        finally:
            await gallery.drop()
            await gallery.close()
            # Else it writes once more when the process ends, into a folder that is gone by then.
            await asyncio.to_thread(let_go, store)


def store_of(settings: MilvusSettings, file: Path) -> Store:
    """The server that is named, or else Milvus Lite in ``file``."""
    if settings.db_host is None:
        return LiteStore(file)
    password = settings.db_password.get_secret_value() if settings.db_password else None
    return ServerStore(
        settings.db_host, settings.db_port, settings.db_user, settings.db_db_name, password
    )
