"""The shards: which processes watch the cameras, and how they are."""

from fastapi import APIRouter

from api.http.routes.dependencies import Administrator, Body, ServicesDep
from api.live.engine import ShardState

router = APIRouter(prefix="/shards", tags=["shards"])


class ShardOut(Body):
    """A process that watches cameras; ``since`` is in Unix seconds, ``pid`` null while it has none.

    ``trouble`` says what is wrong with it.
    """

    id: str
    pid: int | None
    state: ShardState
    since: float
    restarts: int
    cameras: list[str]
    frames_per_second: float
    resident_bytes: int
    trouble: str


class ShardsOut(Body):
    """All of them."""

    items: list[ShardOut]


@router.get("")
async def shards(_: Administrator, services: ServicesDep) -> ShardsOut:
    """Every shard with its cameras."""
    return ShardsOut(
        items=[
            ShardOut(
                id=one.id,
                pid=one.pid,
                state=one.state,
                since=one.since,
                restarts=one.restarts,
                cameras=list(one.cameras),
                frames_per_second=round(one.frames_per_second, 1),
                resident_bytes=one.resident_bytes,
                trouble=one.trouble,
            )
            for one in services.shards.statuses()
        ]
    )
