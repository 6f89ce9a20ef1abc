"""Cameras that their shards are letting go."""

import asyncio
import logging

from api.live.engine import ShardState
from api.shards.messages import Unwatch
from api.shards.process import ShardProcess
from pipeline.messages import CameraId

_log = logging.getLogger(__name__)

_LET_GO = 10.0
"""Seconds that a shard may take to close a camera's connection."""


class Leaving:
    """Who waits until a shard has closed a camera's connection."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, CameraId], asyncio.Event] = {}

    async def let_go(self, shard: ShardProcess, camera: CameraId) -> None:
        """Ask a shard to watch a camera no more; returns when its connection is gone."""
        if shard.state is not ShardState.RUNNING:
            return
        over = self._waiting[shard.id, camera] = asyncio.Event()
        shard.send(Unwatch(camera))
        try:
            await asyncio.wait_for(over.wait(), _LET_GO)
        except TimeoutError:
            _log.warning("shard %s did not let camera %s go", shard.id, camera)
        finally:
            self._waiting.pop((shard.id, camera), None)

    def gone(self, shard: str, camera: str) -> None:
        """A shard has closed this camera's connection."""
        if over := self._waiting.get((shard, CameraId(camera))):
            over.set()

    def died(self, shard: str) -> None:
        """A shard has gone, and every connection of it."""
        for (of, _), over in self._waiting.items():
            if of == shard:
                over.set()
