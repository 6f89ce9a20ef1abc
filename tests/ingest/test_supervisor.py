import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import islice

import pytest

from ingest.pulse import Pulse
from ingest.source import State, StateChange
from ingest.supervisor import Backoff, supervised
from ingest.troubles import (
    Cause,
    Forbidden,
    NoSuchStream,
    Refused,
    Unauthorized,
    Unreachable,
    Unsupported,
    cause_of,
)
from pipeline.errors import BadInput, FaceapiError, Misconfigured, Transient
from pipeline.messages import Capture
from tests.fakes import capture
from tests.ingest.test_load import Clock

AT_ONCE = Backoff(first=0.0, most=0.0, jitter=0.0)
Connection = tuple[int, FaceapiError | None]
"""How many frames it gives, and what it raises then; None to end."""


class ScriptedSource:
    def __init__(self, *script: Connection) -> None:
        self._script = list(script)
        self.open = 0
        self.rests: list[float] = []

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)

    async def frames(self) -> AsyncGenerator[Capture, None]:
        count, error = self._script.pop(0)
        self.open += 1
        try:
            for seq in range(count):
                yield capture(seq)
            if error is not None:
                raise error
        finally:
            self.open -= 1


async def run(source: ScriptedSource, told: list[StateChange]) -> list[int]:
    frames = supervised(source, backoff=AT_ONCE, on_state=told.append)
    return [frame.seq async for frame in frames]


def states(told: Sequence[StateChange]) -> str:
    return " ".join(change.state for change in told)


async def test_a_lost_connection_is_made_anew_and_counts_from_0() -> None:
    told: list[StateChange] = []
    source = ScriptedSource((2, Transient("lost")), (3, None))
    assert await run(source, told) == [0, 1, 0, 1, 2]
    assert states(told) == "connecting live waiting connecting live ended"
    assert (told[2].reason, told[2].retry_in) == ("lost", 0.0)


async def test_it_is_tried_until_it_comes() -> None:
    told: list[StateChange] = []
    refused = (0, Transient("refused"))
    assert await run(ScriptedSource(refused, refused, refused, (1, None)), told) == [0]
    assert states(told) == "connecting waiting " * 3 + "connecting live ended"


@pytest.mark.parametrize("error", [BadInput("no video"), Misconfigured("wrong password")])
async def test_what_a_person_must_change_is_not_tried_again(error: FaceapiError) -> None:
    told: list[StateChange] = []
    with pytest.raises(type(error), match=str(error)):
        await run(ScriptedSource((0, Transient("refused")), (0, error)), told)
    assert states(told) == "connecting waiting connecting failed"
    assert told[-1].reason == str(error)


async def test_a_camera_that_has_worked_may_deny_its_stream_for_a_while() -> None:
    told: list[StateChange] = []
    away = (0, BadInput("no such stream"))
    source = ScriptedSource((1, Transient("lost")), away, away, (1, None))
    assert await run(source, told) == [0, 0]
    assert told[4] == StateChange(State.WAITING, "no such stream", 0.0)


NO = Refused("too many viewers")


@pytest.mark.parametrize(
    "error",
    [NO, Unauthorized("wrong password"), NoSuchStream("no such stream"), Unsupported("no video")],
)
async def test_who_never_gives_up_asks_a_camera_that_says_no_more_and_more_seldom(
    error: FaceapiError,
) -> None:
    told: list[StateChange] = []
    source = ScriptedSource((0, error), (0, error), (1, error), (0, error), (0, None))
    backoff = Backoff(first=1, most=30, jitter=0)
    frames = supervised(source, backoff=backoff, on_state=told.append, gives_up=False)
    assert [frame.seq async for frame in frames] == [0]
    assert source.rests == [1, 2, 1, 2]
    assert told[1] == StateChange(State.WAITING, str(error), 1, cause=cause_of(error))


async def test_who_never_gives_up_does_so_where_no_camera_may_be() -> None:
    told: list[StateChange] = []
    with pytest.raises(Forbidden):
        async for _ in supervised(
            ScriptedSource((0, Forbidden("loopback"))), on_state=told.append, gives_up=False
        ):
            pass
    assert told[-1] == StateChange(State.FAILED, "loopback", cause=Cause.FORBIDDEN)


async def test_what_is_no_trouble_of_a_camera_is_never_healed_by_waiting() -> None:
    for error in (BadInput("an odd answer"), Misconfigured("no such device")):
        with pytest.raises(type(error)):
            async for _ in supervised(ScriptedSource((0, error)), gives_up=False):
                pass


async def test_a_password_that_no_longer_holds_is_not_tried_again() -> None:
    source = ScriptedSource((1, Transient("lost")), (0, Misconfigured("wrong password")))
    with pytest.raises(Misconfigured):
        await run(source, [])


async def test_a_damaged_file_is_not_begun_again() -> None:
    told: list[StateChange] = []
    with pytest.raises(BadInput, match="cut off"):
        await run(ScriptedSource((5, BadInput("cut off"))), told)
    assert states(told) == "connecting live failed"


async def test_closing_closes_the_connection() -> None:
    source = ScriptedSource((100, None))
    async with aclosing(supervised(source)) as frames:
        await anext(frames)
        assert source.open == 1
    assert source.open == 0


async def test_what_may_come_back_at_any_moment_is_tried_soon_every_time() -> None:
    lost = Unreachable("out of reach")
    source = ScriptedSource((0, lost), (0, lost), (1, lost), (0, lost), (0, None))
    backoff = Backoff(first=0.5, most=30, jitter=0)
    assert [frame.seq async for frame in supervised(source, backoff=backoff)] == [0]
    assert source.rests == [0.5] * 4


def test_delays_grow_up_to_the_most() -> None:
    plain = Backoff(first=1, most=5, factor=2, jitter=0)
    assert list(islice(plain.delays(), 5)) == [1, 2, 4, 5, 5]


def test_jitter_keeps_to_its_part() -> None:
    delays = list(islice(Backoff(first=10, most=10, jitter=0.2).delays(), 200))
    assert all(8 <= delay <= 12 for delay in delays)
    assert len(set(delays)) > 100


async def test_a_camera_of_which_too_little_is_taken_is_overloaded_until_enough_is() -> None:
    """Ten frames a second; of the first 20 seconds every other one is taken, then each."""
    clock = Clock()

    class Busy(ScriptedSource):
        async def frames(self) -> AsyncGenerator[Capture, None]:
            for seq in [*range(0, 200, 2), *range(200, 400)]:
                clock.now = seq / 10
                yield capture(seq)

    clock.now, told = 0.0, list[StateChange]()
    frames = supervised(Busy(), backoff=AT_ONCE, on_state=told.append, clock=clock)
    assert len([frame async for frame in frames]) == 300
    assert states(told) == "connecting live overloaded live ended"
    load = told[2].load
    assert load is not None
    assert load.asked == pytest.approx(10, abs=0.6)
    assert load.got == pytest.approx(5, abs=0.6)
    assert told[2].reason == f"{load.got:.1f} of {load.asked:.1f} frames a second are analysed"
    assert told[3] == StateChange(State.LIVE)


async def test_a_camera_without_pictures_is_stalled_until_they_come() -> None:
    told: list[StateChange] = []
    clock, resumed = Clock(), asyncio.Event()
    pulse = Pulse(clock)

    class Freezing(ScriptedSource):
        async def frames(self) -> AsyncGenerator[Capture, None]:
            pulse.begin()
            for seq in range(4):
                if seq == 2:
                    clock.now += 10
                    await resumed.wait()
                pulse.beat()
                yield capture(seq)

    def tell(change: StateChange) -> None:
        told.append(change)
        if change.state is State.STALLED:
            resumed.set()

    async with asyncio.timeout(10):
        frames = supervised(Freezing(), on_state=tell, pulse=pulse)
        assert [frame.seq async for frame in frames] == [0, 1, 2, 3]
    assert states(told) == "connecting live stalled live ended"
    assert (told[2].reason, told[2].cause) == ("no picture for 10.0 s", Cause.TIMEOUT)


async def test_a_camera_whose_pictures_wait_for_their_turn_is_not_stalled() -> None:
    told: list[StateChange] = []
    clock, looks = Clock(), asyncio.Semaphore(0)

    class Looked(Pulse):
        """Pictures come at every moment: whoever looks sees that."""

        @property
        def stalled(self) -> bool:
            self.beat()
            looks.release()
            return super().stalled

    class Slow(ScriptedSource):
        async def frames(self) -> AsyncGenerator[Capture, None]:
            yield capture(0)
            for _ in range(2):
                clock.now += 10
                await looks.acquire()
            yield capture(1)

    async with asyncio.timeout(10):
        frames = supervised(Slow(), on_state=told.append, pulse=Looked(clock))
        assert [frame.seq async for frame in frames] == [0, 1]
    assert states(told) == "connecting live ended"


async def test_a_camera_whose_first_picture_waits_for_its_turn_is_live() -> None:
    told: list[StateChange] = []
    pulse, live = Pulse(Clock()), asyncio.Event()

    class Waiting(ScriptedSource):
        async def frames(self) -> AsyncGenerator[Capture, None]:
            pulse.beat()
            await live.wait()
            yield capture(0)

    def tell(change: StateChange) -> None:
        told.append(change)
        if change.state is State.LIVE:
            live.set()

    pulse.beat()  # of the connection before
    async with asyncio.timeout(10):
        frames = supervised(Waiting(), on_state=tell, pulse=pulse)
        assert [frame.seq async for frame in frames] == [0]
    assert states(told) == "connecting live ended"
