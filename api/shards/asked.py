"""What shards were asked for, and did not answer yet."""

import asyncio
from collections.abc import Callable
from itertools import count

from api.live.engine import ShardState, Unusable
from api.shards.messages import (
    Answer,
    Checked,
    Exchanged,
    Published,
    Refusal,
    Refused,
    ToShard,
    Unpublished,
)
from api.shards.process import ShardProcess
from api.store.messages import Conflict, NotFound
from pipeline.errors import BadInput, FaceapiError, Transient

_PATIENCE = 15.0
"""Seconds for an answer: to ask STUN and TURN servers that are away takes five."""
_ERRORS: dict[Refusal, type[FaceapiError]] = {
    Refusal.BAD_INPUT: BadInput,
    Refusal.OCCUPIED: Conflict,
    Refusal.UNKNOWN: NotFound,
    Refusal.UNREADY: Transient,
}


class Asked:
    """Questions to shards, each with a number that its answer bears."""

    def __init__(self) -> None:
        self._numbers = count()
        self._waiting: dict[int, tuple[str, asyncio.Future[Answer]]] = {}

    async def ask(
        self,
        shard: ShardProcess,
        question: Callable[[int], ToShard],
        patience: float = _PATIENCE,
    ) -> Published | Unpublished | Checked | Exchanged:
        """The answer of a shard within ``patience`` seconds, but for a refusal, which is raised.

        Raises:
            Unusable: a camera shows nothing.
            BadInput, Conflict, NotFound: it refuses.
            Transient: it cannot now, does not run, died, or took too long.
        """
        if shard.state is not ShardState.RUNNING:
            raise Transient(f"shard {shard.id}, which watches this camera, does not run now")
        number = next(self._numbers)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = shard.id, future
        shard.send(question(number))
        try:
            answer = await asyncio.wait_for(future, patience)
        except TimeoutError:
            raise Transient(f"shard {shard.id} gave no answer in {patience:g} s") from None
        finally:
            del self._waiting[number]
        if isinstance(answer, Refused):
            if answer.why is Refusal.UNUSABLE:
                raise Unusable(answer.problem, answer.cause)
            raise _ERRORS[answer.why](answer.problem)
        return answer

    def answered(self, answer: Answer) -> None:
        """A question was answered; nobody may wait for it any more."""
        _, future = self._waiting.get(answer.request, ("", None))
        if future is not None and not future.done():
            future.set_result(answer)

    def died(self, shard: str) -> None:
        """A shard answers nothing any more."""
        for asked, future in self._waiting.values():
            if asked == shard and not future.done():
                future.set_exception(Transient(f"shard {shard}, which watched this camera, died"))
