"""Who goes next: rank before arrival, arrival before nothing else, and no place is ever lost."""

import asyncio

import pytest

from pipeline.places import Places, Rank


class Crowd:
    """Tasks that stand in line, and the order in which they were let in."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.entered: list[str] = []
        self._may_leave: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, rank: Rank | None) -> None:
        """``rank`` None waits for a turn only."""
        self._may_leave[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._stay(name, rank))
        await settle()

    async def leave(self, name: str) -> None:
        self._may_leave[name].set()
        await settle()

    async def give_up(self, name: str) -> None:
        self._tasks[name].cancel()
        await settle()

    async def _stay(self, name: str, rank: Rank | None) -> None:
        async with self.places.turn() if rank is None else self.places.one(rank):
            self.entered.append(name)
            await self._may_leave[name].wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_so_many_work_at_once_and_the_others_in_the_order_they_came() -> None:
    crowd = Crowd(Places(2))
    for name in "abcde":
        await crowd.come(name, Rank.NOW)
    assert crowd.entered == ["a", "b"]
    for name in "ba":
        await crowd.leave(name)
    assert crowd.entered == ["a", "b", "c", "d"]


async def test_what_somebody_waits_for_goes_before_what_is_ahead() -> None:
    crowd = Crowd(Places(1))
    await crowd.come("first", Rank.AHEAD)
    for name, rank in (("frame", Rank.AHEAD), ("turn", None), ("face", Rank.NOW)):
        await crowd.come(name, rank)
    for name in ("first", "face", "frame"):
        await crowd.leave(name)
    assert crowd.entered == ["first", "face", "frame", "turn"]


async def test_a_turn_takes_no_place_and_comes_round_to_everyone_in_order() -> None:
    """Each waits for a turn, then takes the place; nobody has a second turn before all had one."""
    places, order = Places(1), list[str]()

    async def camera(name: str) -> None:
        for _ in range(5):
            async with places.turn():
                pass
            async with places.one(Rank.AHEAD):
                order.append(name)
                await settle()

    await asyncio.gather(*(camera(name) for name in "abc"))
    assert order == ["a", "b", "c"] * 5


async def test_who_lets_his_turn_go_by_holds_up_nobody() -> None:
    crowd = Crowd(Places(1))
    await crowd.come("busy", Rank.NOW)
    for name in "abc":
        await crowd.come(name, None)
    await crowd.leave("busy")
    for name in "ab":
        await crowd.leave(name)
    assert crowd.entered == ["busy", "a", "b", "c"]


@pytest.mark.parametrize("rank", [*Rank, None])
async def test_who_gives_up_while_waiting_leaves_no_gap(rank: Rank | None) -> None:
    crowd = Crowd(Places(1))
    await crowd.come("busy", Rank.NOW)
    for name in "abc":
        await crowd.come(name, rank)
    await crowd.give_up("a")
    await crowd.give_up("c")
    await crowd.leave("busy")
    assert crowd.entered == ["busy", "b"]


async def test_a_place_that_was_given_to_somebody_who_goes_that_moment_is_not_lost() -> None:
    crowd = Crowd(Places(1))
    busy = crowd.places.one(Rank.NOW)
    await busy.__aenter__()
    for name in "ab":
        await crowd.come(name, Rank.NOW)
    await busy.__aexit__(None, None, None)  # the place is a's, who has not heard of it yet
    await crowd.give_up("a")
    assert crowd.entered == ["b"]
