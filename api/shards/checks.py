"""Cameras that are tried before anything is kept of them, in the shard that has least to do."""

from collections.abc import Iterable

from api.live.engine import Checked, ShardState
from api.processes.link import LinkBroken
from api.shards import messages
from api.shards.asked import Asked
from api.shards.process import ShardProcess
from ingest.address import CameraUrl
from ingest.options import CameraOptions
from pipeline.errors import Transient

_MOST = 4
"""At once: each holds a thread, and decodes for some seconds."""
PATIENCE = 30.0
"""Seconds for an answer: connecting, a first picture and a few seconds more take 20 at the most."""


class Checks:
    """Asks shards to try cameras."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._running = 0

    async def check(
        self, url: CameraUrl, options: CameraOptions, shards: Iterable[ShardProcess]
    ) -> Checked:
        """What can be seen at an address, of a camera that is told these options.

        Raises:
            Unusable: nothing can.
            Transient: too many are tried already, or no shard runs now.
        """
        if self._running >= _MOST:
            raise Transient(f"{_MOST} cameras are checked already: try again in a few seconds")
        running = [shard for shard in shards if shard.state is ShardState.RUNNING]
        if not running:
            raise Transient("no shard runs now: try again in a few seconds")
        idlest = min(running, key=lambda shard: shard.frames_per_second)
        self._running += 1
        try:
            answer = await self._asked.ask(
                idlest,
                lambda request: messages.Check(
                    request, url.with_secrets, options.model_dump_json(exclude_defaults=True)
                ),
                PATIENCE,
            )
        finally:
            self._running -= 1
        if not isinstance(answer, messages.Checked):
            raise LinkBroken("it answered a check as if it were a session")
        return Checked(answer.video, answer.jpeg)
