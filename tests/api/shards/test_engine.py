"""Which shard watches which camera, and what becomes of one that brings shards down."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partialmethod
from unittest.mock import Mock

import msgspec
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from api.live.coded import Coded
from api.live.engine import ShardState, Unusable
from api.live.hub import Hub
from api.live.metrics import CameraMetrics
from api.live.seen import Face, Moment, Revised, Seen
from api.live.told import Told
from api.live.wire import (
    CameraMessage,
    FrameMessage,
    Position,
    PresenceMessage,
    RevisionMessage,
    SnapshotMessage,
)
from api.processes.child import End
from api.processes.link import LinkBroken
from api.settings.sections import LiveSettings
from api.shards.crash import CrashLog
from api.shards.engine import ShardedEngine
from api.shards.messages import (
    VERSION,
    Adopt,
    Begin,
    Changed,
    Check,
    Checked,
    Exchange,
    Exchanged,
    Found,
    Halt,
    Masked,
    Play,
    Reach,
    Ready,
    Refusal,
    Refused,
    RequestKey,
    Search,
    Second,
    Show,
    Shown,
    ToShard,
    Unwatched,
    Vitals,
    Watch,
)
from api.shards.process import Death, ShardProcess
from api.shards.shard import Post
from api.store.address import Address
from ingest.address import CameraUrl
from ingest.fleet import CameraSpec
from ingest.observed import Observed
from ingest.options import DEFAULTS, CameraOptions
from ingest.roles import StreamRole, Streams
from ingest.second_stream import SecondStatus
from ingest.source import State
from ingest.trial import Measured
from ingest.troubles import Cause
from pipeline import messages
from pipeline.errors import Transient
from pipeline.messages import CameraId, Match, PersonId, Result, Revision, Status, TrackId, Verdict
from tests.fakes import ScriptedGallery

ANN = PersonId("Ann")
BEGIN = Begin(VERSION, "", "{}", Address("nowhere", 1, "", ""), "gallery")
KILLED = Death("ended by SIGKILL", native=False, culprit=None)


def crashed(camera: str) -> Death:
    return Death("ended by SIGABRT", native=True, culprit=CameraId(camera))


def spec(camera: str, path: str = "/") -> CameraSpec:
    return CameraSpec(CameraId(camera), CameraUrl.parse(f"rtsp://127.0.0.1{path}"))


def named(camera: str, seq: int, track: int = 1, age: float = 0.0) -> Seen:
    face = Face(track, (1, 2, 3, 4), 0.9, Status.KNOWN, ANN, 0.95)
    return Seen(camera, seq, seq * 3600, time.time() - age, None, 64, 48, (face,))


class World:
    """An engine whose shards have no processes: what they are told is kept."""

    def __init__(self, group: asyncio.TaskGroup, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[str, ToShard]] = []
        monkeypatch.setattr(ShardProcess, "run", _stay)
        monkeypatch.setattr(ShardProcess, "send", partialmethod(_keep, self.told))
        metrics = CameraMetrics(CollectorRegistry())
        self.engine = ShardedEngine(
            group,
            BEGIN,
            "warning",
            ScriptedGallery([]),
            {ANN: "Ann"}.get,
            metrics,
            Hub(metrics.registry, LiveSettings()),
        )

    def start(self, *names: str) -> None:
        for shard in self.engine.processes():
            if shard.id in names or not names:
                shard.state = ShardState.RUNNING
                self.engine.began(shard)

    async def until_told(self, *messages: ToShard) -> None:
        while not all(one in [told for _, told in self.told] for one in messages):  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0.01)

    def shard(self, name: str) -> ShardProcess:
        return next(one for one in self.engine.processes() if one.id == name)

    def placed(self) -> dict[str, Sequence[str]]:
        return {status.id: list(status.cameras) for status in self.engine.statuses()}

    def die(self, name: str, death: Death) -> None:
        shard = self.shard(name)
        shard.state = ShardState.ENDED
        self.engine.died(shard, death)
        if shard in self.engine.processes():
            self.start(name)


def _keep(shard: ShardProcess, told: list[tuple[str, ToShard]], message: ToShard) -> None:
    if shard.state is ShardState.RUNNING:
        told.append((shard.id, message))


async def _stay(_: ShardProcess) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def world(monkeypatch: pytest.MonkeyPatch, shards: int = 2) -> AsyncIterator[World]:
    with pytest.RaisesGroup(_OverError):
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            made = World(group, monkeypatch)
            made.engine.begin(shards)
            made.start()
            yield made
            raise _OverError


class _OverError(Exception):
    pass


async def test_cameras_go_to_the_emptiest_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as here:
        for camera in "abcd":
            await here.engine.put(spec(camera))
        assert here.placed() == {"1": ["a", "c"], "2": ["b", "d"]}
        leaving = asyncio.create_task(here.engine.remove(CameraId("b")))
        await asyncio.sleep(0)
        here.engine.heard(here.shard("2"), Unwatched("b"))
        await leaving
        await here.engine.put(spec("e"))
        assert here.placed() == {"1": ["a", "c"], "2": ["d", "e"]}


async def test_a_replaced_shard_goes_on_where_numbers_left_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        here.engine.heard(here.shard("1"), named("a", seq=41, track=7))
        here.told.clear()
        here.die("1", KILLED)
        ((_, watch),) = here.told
        assert isinstance(watch, Watch)
        assert (watch.camera, watch.after_seq, watch.after_track) == ("a", 41, 7)
        assert watch.after_media_time == 41 * 3600
        state = here.engine.state(CameraId("a"))
        assert state is not None
        assert (state.state, "SIGKILL" in state.reason) == (State.WAITING, True)


async def test_numbers_go_on_for_a_camera_that_was_not_watched_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        here.engine.heard(here.shard("1"), named("a", seq=41, track=7))
        leaving = asyncio.create_task(here.engine.remove(CameraId("a")))
        await asyncio.sleep(0)
        here.engine.heard(here.shard("1"), Unwatched("a"))
        await leaving
        await here.engine.put(spec("a"))
        _, watch = here.told[-1]
        assert isinstance(watch, Watch)
        assert (watch.after_seq, watch.after_track) == (41, 7)


async def test_a_shard_that_dies_has_let_its_cameras_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        leaving = asyncio.create_task(here.engine.remove(CameraId("a")))
        await asyncio.sleep(0)
        here.die("1", KILLED)
        await asyncio.wait_for(leaving, 2)


@pytest.mark.parametrize("search", [Search(1, b"123", 1), Search(1, b"1234", 0)], ids=range(2))
async def test_a_search_for_what_are_no_vectors_breaks_the_link_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, search: Search
) -> None:
    async with world(monkeypatch, shards=1) as here:
        with pytest.raises(LinkBroken, match="no vectors"):
            here.engine.heard(here.shard("1"), search)


async def test_a_camera_that_kills_its_shard_twice_is_alone_then_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        for camera in ("bad", "good"):
            await here.engine.put(spec(camera))
        here.die("1", crashed("bad"))
        assert here.placed() == {"1": ["bad", "good"]}
        here.die("1", crashed("bad"))
        assert here.placed() == {"1": ["good"], "alone-bad": ["bad"]}
        here.start("alone-bad")
        here.die("alone-bad", Death("ended by SIGSEGV", native=True, culprit=None))
        assert here.placed() == {"1": ["good"]}
        state = here.engine.state(CameraId("bad"))
        assert state is not None
        assert (state.state, "3 shards" in state.reason) == (State.FAILED, True)
        await here.engine.put(spec("bad", "/another"))  # a person changed something
        assert here.placed() == {"1": ["bad", "good"]}


async def test_shards_that_are_killed_are_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        for _ in range(5):
            here.die("1", KILLED)
        assert here.placed() == {"1": ["a"]}


async def test_what_a_shard_says_of_a_camera_that_is_anothers_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch) as here:
        await here.engine.put(spec("a"))
        async with listening(here) as messages:
            here.engine.heard(here.shard("2"), named("a", seq=1))
            here.engine.heard(here.shard("1"), named("a", seq=2))
            assert (await frame(messages)).seq == 2


async def test_who_was_deleted_is_unknown_until_the_shard_has_confirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        shard = here.shard("1")
        deleting = asyncio.create_task(here.engine.gone([ANN], 9))
        await asyncio.sleep(0.01)
        assert here.told[-1] == ("1", Reach(9))
        async with listening(here) as messages:
            here.engine.heard(shard, named("a", seq=1))
            assert [face.name for face in (await frame(messages)).faces] == [None]
            await asyncio.wait_for(deleting, 2)  # a shard that does not confirm holds nobody up
            shard.fence.lift(9)
            here.engine.heard(shard, named("a", seq=2))
            assert [face.name for face in (await frame(messages)).faces] == ["Ann"]


async def test_who_was_deleted_is_not_named_by_what_was_told_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        shard = here.shard("1")
        async with aclosing(here.engine.subscribe(None)) as messages:
            message = (await anext(messages)).message
            assert isinstance(message, SnapshotMessage)
            before = Position(epoch=message.epoch, cursor=message.cursor)
        here.engine.heard(shard, named("a", seq=1))
        shard.state = ShardState.ENDED  # nobody confirms, nobody is waited for
        await here.engine.gone([ANN], 9)
        async with aclosing(here.engine.subscribe(None, before)) as messages:
            assert [face.name for face in (await frame(messages)).faces] == [None]
        async with aclosing(here.engine.subscribe(None)) as messages:
            message = (await anext(messages)).message
            assert isinstance(message, SnapshotMessage)
            assert [[face.name for face in one.faces] for one in message.frames] == [[None]]


@asynccontextmanager
async def listening(here: World) -> AsyncIterator[AsyncGenerator[Told, None]]:
    """All that happens from now on."""
    async with aclosing(here.engine.subscribe(None)) as messages:
        assert isinstance((await anext(messages)).message, SnapshotMessage)
        yield messages


async def frame(messages: AsyncGenerator[Told, None]) -> FrameMessage:
    """The next message, which is of a frame."""
    message = (await anext(messages)).message
    assert isinstance(message, FrameMessage)
    return message


def coded(media_time: int, *, key: bool = False) -> Coded:
    return Coded("a", media_time, key, False, b"picture")


async def test_a_camera_is_played_from_the_first_viewer_to_the_last_over_shards_that_die(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        here.told.clear()
        async with aclosing(here.engine.coded(CameraId("a"))) as video:
            first = asyncio.ensure_future(anext(video))
            await asyncio.sleep(0)
            assert here.told == [("1", Play("a"))]
            for number in range(3):
                here.engine.heard(here.shard("1"), coded(100 + number, key=number == 0))
            assert (await first).media_time == 100
            here.told.clear()
            here.die("1", KILLED)
            (_, watch), (_, play) = here.told
            assert isinstance(watch, Watch)
            assert watch.after_media_time == 102
            assert play == Play("a")
            await here.engine.put(spec("a", "/another"))
            assert here.told[-1] == ("1", Play("a"))
            here.engine.heard(here.shard("1"), coded(200, key=True))
            assert [(await anext(video)).media_time for _ in range(3)] == [101, 102, 200]
        assert [message for _, message in here.told][-1] == Halt("a")


async def test_a_key_picture_is_asked_for_only_of_a_camera_that_somebody_plays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        here.engine.request_key(CameraId("a"))
        async with aclosing(here.engine.coded(CameraId("a"))) as video:
            first = asyncio.ensure_future(anext(video))
            await asyncio.sleep(0)
            here.told.clear()
            here.engine.request_key(CameraId("a"))
            assert here.told == [("1", RequestKey("a"))]
            first.cancel()
            await asyncio.wait([first])


async def test_video_of_a_camera_that_is_anothers_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch) as here:
        await here.engine.put(spec("a"))
        async with aclosing(here.engine.coded(CameraId("a"))) as video:
            first = asyncio.ensure_future(anext(video))
            await asyncio.sleep(0)
            here.engine.heard(here.shard("2"), coded(100, key=True))
            here.engine.heard(here.shard("1"), coded(101, key=True))
            assert (await first).media_time == 101


async def test_who_comes_while_a_camera_is_away_sees_nothing_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        shard = here.shard("1")
        async with (
            aclosing(here.engine.coded(CameraId("a"))) as early,
            aclosing(here.engine.coded(CameraId("a"))) as late,
        ):
            first = asyncio.ensure_future(anext(early))
            await asyncio.sleep(0)
            here.engine.heard(shard, coded(100, key=True))
            await first
            here.engine.heard(shard, Changed("a", State.WAITING, "it went", 0.0, None, None))
            second = asyncio.ensure_future(anext(late))
            await asyncio.sleep(0)
            here.engine.heard(shard, coded(200, key=True))
            assert (await second).media_time == 200


async def test_a_camera_that_is_removed_ends_its_video(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        async with aclosing(here.engine.coded(CameraId("a"))) as video:
            first = asyncio.ensure_future(anext(video))
            await asyncio.sleep(0)
            here.die("1", KILLED)
            here.shard("1").state = ShardState.ENDED
            await here.engine.remove(CameraId("a"))
            with pytest.raises(StopAsyncIteration):
                await first


def masked(camera: str, *corners: tuple[float, float]) -> CameraSpec:
    return replace(spec(camera), options=CameraOptions(masks=(corners,) if corners else ()))


async def test_from_a_change_of_masks_on_nothing_is_seen_until_the_shard_masks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        shard, camera = here.shard("1"), CameraId("a")
        async with (
            aclosing(here.engine.coded(camera)) as video,
            aclosing(here.engine.pictures(camera)) as pictures,
        ):
            playing, looking = (
                asyncio.ensure_future(anext(video)),
                asyncio.ensure_future(anext(pictures)),
            )
            await asyncio.sleep(0)
            for number in range(3):
                here.engine.heard(shard, coded(100 + number, key=number == 0))
                here.engine.heard(shard, Shown("a", number, 100 + number, 0.0, b"plain"))
            assert (await playing).media_time == 100
            assert (await looking).media_time in (100, 101, 102)
            here.told.clear()
            await here.engine.put(masked("a", (0, 0), (1, 0), (1, 1)))
            assert [type(message) for _, message in here.told] == [Halt, Watch, Show]
            with pytest.raises(StopAsyncIteration):  # nothing that waited for him
                await anext(video)
            (watch,) = (message for _, message in here.told if isinstance(message, Watch))
            looking = asyncio.ensure_future(anext(pictures))
            for late in (103, 500):
                here.engine.heard(shard, Shown("a", late, late, 0.0, b"plain"))
            await asyncio.sleep(0)
            assert not looking.done()
            here.engine.heard(shard, Masked("a", watch.masks, 400))
            here.engine.heard(shard, Shown("a", 9, 400, 0.0, b"plain"))
            here.engine.heard(shard, Shown("a", 10, 401, 0.0, b"masked"))
            assert (await looking).jpeg == b"masked"
        async with aclosing(here.engine.coded(camera)) as video:
            playing = asyncio.ensure_future(anext(video))
            await asyncio.sleep(0)
            here.engine.heard(shard, coded(399, key=True))
            here.engine.heard(shard, coded(402, key=True))
            assert (await playing).media_time == 402


async def test_another_address_with_other_masks_is_seen_once_the_shard_masks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        shard = here.shard("1")
        here.told.clear()
        wanted = replace(masked("a", (0, 0), (1, 0), (1, 1)), url=spec("a", "/other").url)
        taken = asyncio.create_task(here.engine.exchange(wanted))
        await asyncio.sleep(0)
        ((_, asked),) = here.told
        assert isinstance(asked, Exchange)
        assert CameraOptions.model_validate_json(asked.watch.options) == wanted.options
        here.engine.heard(shard, Exchanged(asked.request))
        await taken
        watch = here.told[-1][1]
        assert isinstance(watch, Watch)
        async with aclosing(here.engine.pictures(CameraId("a"))) as pictures:
            looking = asyncio.ensure_future(anext(pictures))
            await asyncio.sleep(0)
            here.engine.heard(shard, Shown("a", 1, 100, 0.0, b"not known to be masked"))
            here.engine.heard(shard, Masked("a", watch.masks, -1))
            here.engine.heard(shard, Shown("a", 2, 200, 0.0, b"masked"))
            assert (await looking).jpeg == b"masked"


async def test_only_the_last_change_of_masks_is_confirmed_by_its_own_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        shard = here.shard("1")
        for corner in (0.2, 0.4):
            await here.engine.put(masked("a", (0, 0), (corner, 0), (1, 1)))
        first, second = (m.masks for _, m in here.told if isinstance(m, Watch))
        async with aclosing(here.engine.pictures(CameraId("a"))) as pictures:
            looking = asyncio.ensure_future(anext(pictures))
            await asyncio.sleep(0)
            here.engine.heard(shard, Masked("a", first, 10))
            here.engine.heard(shard, Shown("a", 1, 11, 0.0, b"of the first"))
            here.engine.heard(shard, Masked("a", second, 20))
            here.engine.heard(shard, Shown("a", 2, 21, 0.0, b"of the second"))
            assert (await looking).jpeg == b"of the second"
            await here.engine.put(masked("a", (0, 0), (0.4, 0), (1, 1)))  # the same again
            looking = asyncio.ensure_future(anext(pictures))
            await asyncio.sleep(0)
            here.engine.heard(shard, Shown("a", 3, 22, 0.0, b"goes on"))
            assert (await looking).jpeg == b"goes on"


async def test_what_was_seen_too_long_ago_is_not_told_as_live(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        async with aclosing(here.engine.subscribe(None)) as told:
            await anext(told)
            here.engine.heard(here.shard("1"), named("a", seq=1, age=2.5))
            here.engine.heard(here.shard("1"), named("a", seq=2, age=0.5))
            message = (await anext(told)).message
            assert isinstance(message, FrameMessage)
            assert message.seq == 2


async def test_who_is_watched_no_more_is_told_to_be_disabled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        async with aclosing(here.engine.subscribe(None)) as told:
            await anext(told)
            leaving = asyncio.create_task(here.engine.remove(CameraId("a")))
            await asyncio.sleep(0)
            here.engine.heard(here.shard("1"), Unwatched("a"))
            await leaving
            message = (await anext(told)).message
            assert isinstance(message, CameraMessage)
            assert message.state == "disabled"


async def test_another_address_counts_once_its_shard_has_taken_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        here.told.clear()
        refused = asyncio.create_task(here.engine.exchange(spec("a", "/wrong")))
        await asyncio.sleep(0)
        (_, asked), *more = here.told
        assert not more
        assert isinstance(asked, Exchange)
        problem = Refused(asked.request, Refusal.UNUSABLE, "no such stream", Cause.NOT_FOUND)
        here.engine.heard(here.shard("1"), problem)
        with pytest.raises(Unusable, match="no such stream"):
            await refused
        here.told.clear()
        here.die("1", KILLED)
        ((_, watch),) = here.told
        assert isinstance(watch, Watch)
        assert watch.url.endswith("/")  # as it was
        here.told.clear()
        taken = asyncio.create_task(here.engine.exchange(spec("a", "/right")))
        await asyncio.sleep(0)
        ((_, asked),) = here.told
        assert isinstance(asked, Exchange)
        here.engine.heard(here.shard("1"), Exchanged(asked.request))
        await taken
        here.told.clear()
        here.die("1", KILLED)
        ((_, watch),) = here.told
        assert isinstance(watch, Watch)
        assert watch.url.endswith("/right")


async def test_the_idlest_shard_tries_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch) as here:
        here.shard("1").frames_per_second = 10.0
        here.told.clear()
        url = CameraUrl.parse("rtsp://ann:nite-word@127.0.0.1/1")
        trying = asyncio.create_task(here.engine.check(url, DEFAULTS))
        await asyncio.sleep(0)
        ((shard, asked),) = here.told
        assert shard == "2"
        assert isinstance(asked, Check)
        assert "nite-word" not in repr(asked)
        video = Measured("H.264", 960, 540, 25.0, 1e6, 2.0, 0.3, None)
        here.engine.heard(here.shard("2"), Checked(asked.request, video, b"JPEG"))
        seen = await trying
        assert (seen.video, seen.jpeg) == (video, b"JPEG")
        for shard_process in here.engine.processes():
            shard_process.state = ShardState.ENDED
        with pytest.raises(Transient, match="no shard runs"):
            await here.engine.check(url, DEFAULTS)


def revised(seq: int) -> Seen:
    """Track 1 was Ann from frame 3 on; it is nobody who is known."""
    face = Face(1, (1, 2, 3, 4), 0.9, Status.UNKNOWN, None, 0.9)
    revision = Revised(1, ANN, Status.UNKNOWN, None, Moment(3, 300, 0.3))
    return Seen("a", seq, seq * 3600, time.time(), None, 64, 48, (face,), (revision,))


async def test_a_revision_is_told_before_the_frame_and_takes_the_presence_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        async with aclosing(here.engine.subscribe(None)) as messages:
            await anext(messages)
            here.engine.heard(here.shard("1"), named("a", seq=3))
            here.engine.heard(here.shard("1"), revised(seq=9))
            told = [(await anext(messages)).message for _ in range(5)]
    assert [one.type for one in told] == ["frame", "presence", "revision", "presence", "frame"]
    revision = told[2]
    assert isinstance(revision, RevisionMessage)
    assert (revision.was, revision.status, revision.person) == ("Ann", Status.UNKNOWN, None)
    assert (revision.since.seq, revision.until.seq) == (3, 9)
    changes = [one.change for one in told if isinstance(one, PresenceMessage)]
    assert changes == ["entered", "retracted"]


async def test_no_revision_names_somebody_who_was_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, shards=1) as here:
        await here.engine.put(spec("a"))
        async with aclosing(here.engine.subscribe(None)) as messages:
            await anext(messages)
            shard = here.shard("1")
            monkeypatch.setattr(shard.fence, "hides", lambda _: True)
            here.engine.heard(shard, revised(seq=9))
            assert (await anext(messages)).message.type == "frame"


async def test_a_shard_loses_results_under_pressure_and_no_revision() -> None:
    post = Post(Mock(spec=CrashLog))
    result = Result(CameraId("a"), 1, 0, 0.0, None, 64, 48, ())
    verdict = Verdict(Status.UNKNOWN)
    revision = Revision(TrackId(1), ANN, verdict, messages.Moment(3, 300, 0.3))
    post.seen(dataclasses.replace(result, revisions=[revision]))
    for _ in range(1000):
        post.seen(result)
    batch = await anext(post.outbox.batches())
    assert len(batch) < 1000
    assert [one for one in batch if isinstance(one, Seen) and one.revisions] == batch[:1]


async def test_further_streams_are_told_and_forgotten_with_their_shard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    high = CameraUrl.parse("rtsp://127.0.0.1/high")
    camera = replace(spec("gate"), streams=Streams(view=high))
    status = SecondStatus((StreamRole.VIEW,), State.LIVE, "", 7.0, True, Observed())
    async with world(monkeypatch, shards=1) as made:
        await made.engine.put(camera)
        (watch,) = [one for _, one in made.told if isinstance(one, Watch)]
        assert (watch.view, watch.detail) == (high.with_secrets, "")
        vitals = Vitals(0, 0.0, 0, 0, (), 0, 0, (), (), seconds=(Second("gate", status),))
        made.engine.heard(made.shard("1"), vitals)
        (role,) = made.engine.roles(camera.camera)
        assert (role.role, role.state, role.exact) == (StreamRole.VIEW, State.LIVE, True)
        made.die("1", KILLED)
        (role,) = made.engine.roles(camera.camera)
        assert role.state == "idle"
        removing = asyncio.create_task(made.engine.remove(camera.camera))
        await asyncio.sleep(0)
        made.engine.heard(made.shard("1"), Unwatched("gate"))
        await removing
        assert made.engine.roles(camera.camera) == ()


def vitals(pack: str) -> Vitals:
    return Vitals(1, 0.0, 0, 0, (), 0, 0, (), (), pack)


async def test_shards_go_over_to_another_pack_one_after_the_other_and_keep_their_cameras(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch) as here:
        await here.engine.put(spec("a"))
        here.told.clear()
        begin = msgspec.structs.replace(BEGIN, settings='{"new": 1}', pack="new")
        going = asyncio.create_task(here.engine.adopt(begin, ScriptedGallery([])))
        await asyncio.sleep(0)
        assert here.told == [("1", Adopt('{"new": 1}'))]
        here.shard("1").hear(vitals("new"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert here.told[1:] == [("2", Adopt('{"new": 1}'))]
        here.shard("2").hear(vitals(""))
        assert not going.done()
        here.shard("2").hear(vitals("new"))
        await going
        assert here.shard("1").begins() == msgspec.structs.replace(begin, shard="1")


async def test_a_shard_that_loads_meanwhile_is_told_when_it_runs_and_one_that_dies_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(monkeypatch, shards=1) as here:
        shard = here.shard("1")
        shard.begins()
        begin = msgspec.structs.replace(BEGIN, settings="{}", pack="new")
        going = asyncio.create_task(here.engine.adopt(begin, ScriptedGallery([])))
        await asyncio.sleep(0)
        assert here.told == []
        shard.hear(Ready())
        assert here.told == [("1", Adopt("{}"))]
        shard.ended(End("ended by SIGKILL"))
        await going
        assert shard.begins() == msgspec.structs.replace(begin, shard="1")
        shard.hear(Ready())
        assert here.told == [("1", Adopt("{}"))]


async def test_each_search_goes_to_the_gallery_of_its_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    async with world(monkeypatch, shards=1) as here:
        one = np.zeros(2, "<f4").tobytes()
        new = ScriptedGallery([Match(ANN, 0.9)])
        begin = msgspec.structs.replace(BEGIN, pack="new")
        going = asyncio.create_task(here.engine.adopt(begin, new))
        for pack in ("", "new"):
            here.engine.heard(here.shard("1"), Search(1, one, 2, pack))
        await here.until_told(Found(1, ((),)), Found(1, ((("Ann", 0.9),),)))
        here.shard("1").hear(vitals("new"))
        await going
        here.engine.heard(here.shard("1"), Search(2, one, 2, ""))
        await here.until_told(Found(2, (), "the pack  is not in use any more"))
