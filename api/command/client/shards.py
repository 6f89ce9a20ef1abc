"""``faceapi shards``: which processes watch the cameras."""

from collections.abc import Mapping
from typing import Any

from api.command.client.login import connected
from api.command.client.output import AsJson, show

_COLUMNS = ("id", "state", "cameras", "frames/s", "MB", "restarts", "trouble", "pid")


def shards(as_json: AsJson = False) -> None:
    """The processes that watch the cameras, and how they are."""
    with connected() as service:
        items = service.get("/shards")["items"]
        names = {camera["id"]: camera["name"] for camera in service.get("/cameras")["items"]}
    if not as_json:
        items = [_in_words(shard, names) for shard in items]
    show(items, _COLUMNS, as_json=as_json)


def _in_words(shard: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    """As a person reads it: names of cameras, megabytes."""
    return {
        **shard,
        "pid": shard["pid"] or "",
        "cameras": ", ".join(names.get(camera, camera) for camera in shard["cameras"]),
        "frames/s": shard["frames_per_second"],
        "MB": round(shard["resident_bytes"] / 1e6),
    }
