"""Questions to shards: each has an answer, or an error that says what to do."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from api.live.engine import ShardState
from api.shards.asked import Asked
from api.shards.messages import (
    Begin,
    Published,
    Refusal,
    Refused,
    ToShard,
    Unpublish,
    Unpublished,
)
from api.shards.process import ShardProcess
from api.store.address import Address
from api.store.messages import Conflict, NotFound
from pipeline.errors import BadInput, FaceapiError, Transient


class Deaf:
    """Hears of no shard."""

    def began(self, shard: ShardProcess) -> None: ...

    def heard(self, shard: ShardProcess, message: object) -> None: ...

    def died(self, shard: ShardProcess, death: object) -> None: ...


def shard(state: ShardState = ShardState.RUNNING) -> ShardProcess:
    begin = Begin(1, "7", "{}", Address("nowhere", 1, "", ""), "gallery")
    made = ShardProcess(begin, "warning", Deaf())
    made.state = state
    return made


def question(number: int) -> ToShard:
    return Unpublish(number, "yard", "session")


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    made = Asked()
    yield made
    assert not made._waiting


async def test_each_question_gets_its_own_answer(asked: Asked) -> None:
    first = asyncio.create_task(asked.ask(shard(), question))
    second = asyncio.create_task(asked.ask(shard(), question))
    await asyncio.sleep(0)
    asked.answered(Published(1, "b", "sdp"))
    asked.answered(Unpublished(0))
    assert await first == Unpublished(0)
    assert await second == Published(1, "b", "sdp")


@pytest.mark.parametrize(
    ("why", "error"),
    [
        (Refusal.BAD_INPUT, BadInput),
        (Refusal.OCCUPIED, Conflict),
        (Refusal.UNKNOWN, NotFound),
        (Refusal.UNREADY, Transient),
    ],
)
async def test_a_refusal_is_the_error_that_it_names(
    asked: Asked, why: Refusal, error: type[FaceapiError]
) -> None:
    asking = asyncio.create_task(asked.ask(shard(), question))
    await asyncio.sleep(0)
    asked.answered(Refused(0, why, "because"))
    with pytest.raises(error, match="because"):
        await asking


async def test_a_shard_that_dies_answers_nothing_any_more(asked: Asked) -> None:
    asking = asyncio.create_task(asked.ask(shard(), question))
    await asyncio.sleep(0)
    asked.died("8")
    assert not asking.done()
    asked.died("7")
    with pytest.raises(Transient, match="shard 7, which watched this camera, died"):
        await asking


async def test_one_that_does_not_run_is_not_waited_for(asked: Asked) -> None:
    with pytest.raises(Transient, match="does not run now"):
        await asked.ask(shard(ShardState.STARTING), question)


async def test_one_that_is_stuck_is_waited_for_a_while(asked: Asked) -> None:
    with pytest.raises(Transient, match="gave no answer"):
        await asked.ask(shard(), question, patience=0.01)
    asked.answered(Unpublished(0))  # too late, and nobody waits
