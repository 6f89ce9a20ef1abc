"""What a shard is told first."""

from api.settings.settings import Settings
from api.shards.messages import VERSION, Begin
from api.store.address import Address
from pipeline.inference import lane_count
from pipeline.messages import GalleryId, PackId

_SECTIONS = {
    "model",
    "inference",
    "detect",
    "track",
    "quality",
    "identify",
    "rtsp",
    "search",
    "faceapi",
}
"""What a shard wants to know; none of it is secret."""


def begin_of(
    settings: Settings, database: Address, gallery: GalleryId, shards: int, pack: PackId
) -> Begin:
    """The same for each of so many shards, but for its name: they share the lanes among them.

    ``settings`` open the pack ``pack``.
    """
    lanes = -(-lane_count(settings.inference.lanes) // shards)
    inference = settings.inference.model_copy(update={"lanes": lanes})
    told = settings.model_copy(update={"inference": inference})
    return Begin(
        version=VERSION,
        shard="",
        settings=told.model_dump_json(include=_SECTIONS),
        database=database,
        gallery=gallery,
        pack=pack,
    )
