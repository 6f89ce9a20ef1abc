"""Who views which camera: real ICE, DTLS and RTP to a viewer in this process."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

import api.playback.sessions
from api.live.coded import Coded
from api.playback.feed import TICK, Feed
from api.playback.messages import (
    Answer,
    End,
    Ended,
    FromPlayback,
    Gone,
    Linked,
    Lost,
    Offer,
    Refused,
)
from api.playback.sessions import Sessions
from api.playback.track import CameraTrack
from api.processes.link import Outbox
from ingest.roles import StreamRole
from ingest.webrtc.peer import Peer
from tests.api.playback.viewers import (
    LOOPBACK,
    START,
    STEP,
    Seen,
    a_viewer,
    coded,
    seen_by,
    timestamps,
    until,
)


class Program:
    """What the program would hear."""

    def __init__(self) -> None:
        self.outbox = Outbox[FromPlayback]()
        self.heard: list[FromPlayback] = []

    async def until(self, condition: Callable[[FromPlayback], bool]) -> FromPlayback:
        """The first message that meets ``condition``."""
        await until(lambda: any(map(condition, self.heard)))
        return next(filter(condition, self.heard))

    async def hear(self) -> None:
        async for batch in self.outbox.batches():
            self.heard += batch

    async def answer(self, session: str) -> str:
        message = await self.until(lambda one: isinstance(one, Answer) and one.session == session)
        assert isinstance(message, Answer)
        return message.sdp

    async def origin(self, session: str) -> int:
        """Once it is known."""
        linked = await self.linked(session)
        assert linked.rtp_origin is not None
        return linked.rtp_origin

    async def linked(self, session: str) -> Linked:
        """Once its origin is known."""
        message = await self.until(
            lambda one: (
                isinstance(one, Linked) and one.session == session and one.rtp_origin is not None
            )
        )
        assert isinstance(message, Linked)
        return message

    async def ended(self, session: str) -> str:
        message = await self.until(lambda one: isinstance(one, Ended) and one.session == session)
        assert isinstance(message, Ended)
        return message.reason


@asynccontextmanager
async def playing() -> AsyncIterator[tuple[Sessions, Program]]:
    program = Program()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        hearing = group.create_task(program.hear())
        sessions = Sessions(group, program.outbox)
        yield sessions, program
        for session in list(sessions._sessions):
            sessions.obey(End(session))
            await program.ended(session)
        hearing.cancel()


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept group is sent as of one tick after the other."""
    monkeypatch.setattr("api.playback.catch_up._DECODED", TICK)
    monkeypatch.setattr("api.playback.catch_up._PACE", 1e12)


async def test_a_viewer_sees_the_last_group_at_once_and_then_what_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The group as if it were taken a moment ago; no origin is told before times are exact."""
    units = list(coded("gate", 28))
    at_once(monkeypatch)
    monkeypatch.setattr(Feed, "just_now", lambda _: units[24].media_time - 4)
    async with playing() as (sessions, program), a_viewer() as (peer, offer):
        for unit in units[:25]:
            sessions.obey(unit)
        sessions.obey(Offer("one", "gate", offer, LOOPBACK))
        seen = await seen_by(peer, await program.answer("one"))
        began = await seen.arrived(5)
        linked, origin = await program.linked("one"), await program.origin("one")
        for unit in units[25:]:
            sessions.obey(unit)
        times = await seen.arrived(8)
        group = tuple(zip(began[:4], (unit.media_time for unit in units[20:24]), strict=True))
        assert linked == Linked("one", True, origin, False, group, StreamRole.ANALYSE, True)
        before = [one for one in program.heard if isinstance(one, Linked) and one.caught_up]
        assert (before[0].rtp_origin, before[0].caught_up) == (None, group), "told while it is sent"
        assert times[4:] == timestamps(units[24:], origin)
        assert [(times[4] - time) % 2**32 for time in times[:4]] == [4, 3, 2, 1]
        assert len(await seen.pictures(7)) == 7


@pytest.mark.parametrize("before_wrap", [0, 1, STEP * 2 + 1])
async def test_the_origin_holds_over_a_wrap_of_the_timestamp(
    monkeypatch: pytest.MonkeyPatch, before_wrap: int
) -> None:
    """The RTP timestamp of the first picture is this much below 2^32."""
    origin = (2**32 - before_wrap - START) % 2**32
    monkeypatch.setattr("aiortc.rtcrtpsender.random32", lambda: origin)
    units = list(coded("gate", 8))
    async with playing() as (sessions, program), a_viewer() as (peer, offer):
        sessions.obey(units[0])
        sessions.obey(Offer("one", "gate", offer, LOOPBACK))
        seen = await seen_by(peer, await program.answer("one"))
        assert await program.origin("one") == origin
        for unit in units[1:]:
            sessions.obey(unit)
        times = await seen.arrived(8)
        assert times == timestamps(units, origin)
        assert times[0] == (2**32 - before_wrap) % 2**32
        assert times[-1] < 2**31


async def test_pictures_are_sent_as_the_camera_made_them() -> None:
    """High profile, though the description says baseline: every picture is decoded."""
    units = list(coded("gate", 20, group=20))
    async with playing() as (sessions, program), a_viewer() as (peer, offer):
        sessions.obey(units[0])
        sessions.obey(Offer("one", "gate", offer, LOOPBACK))
        answer = await program.answer("one")
        assert "profile-level-id=42e01f" in answer
        assert "packetization-mode=1" in answer
        assert "VP8" not in answer
        seen = await seen_by(peer, answer)
        await program.linked("one")
        for unit in units[1:]:
            sessions.obey(unit)
        frames = await seen.pictures(19)
        brightness = [int(frame.to_ndarray(format="gray").mean()) for frame in frames]
        assert brightness == sorted(brightness)
        assert len(set(brightness)) == 19
        assert sessions.sent_bytes == sum(len(unit.data) for unit in units)
        assert sessions.dropped == 0


async def test_a_viewer_who_lost_pictures_is_sent_the_kept_group_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.playback.track._AGAIN_PAUSE", 0.0)
    at_once(monkeypatch)
    units = list(coded("gate", 12, group=50))
    monkeypatch.setattr(Feed, "just_now", lambda _: units[0].media_time)
    async with playing() as (sessions, program), a_viewer() as (peer, offer):
        sessions.obey(units[0])
        sessions.obey(Offer("one", "gate", offer, LOOPBACK))
        seen = await seen_by(peer, await program.answer("one"))
        await seen.arrived(1)
        for unit in units[1:10]:
            sessions.obey(unit)
        await seen.arrived(10)
        origin = await program.origin("one")
        (track,) = sessions._tracks
        await lost_pictures(seen, track)
        sessions.obey(units[10])
        await seen.arrived(21)
        sessions.obey(units[11])
        times = await seen.arrived(23)
        assert times[:11] == timestamps(units[:11], origin)
        assert Lost("gate") in program.heard, "its publisher may be asked, too"
        assert [time - times[10] for time in times[11:22]] == list(range(1, 12))
        assert times[22:] == timestamps(units[11:], origin)
        (track,) = sessions._tracks
        sent_again = [unit.media_time for unit in units[:11]]
        assert list(track.caught_up) == list(zip(times[11:22], sent_again, strict=True))
        frames = await seen.pictures(22)
        brightness = [int(frame.to_ndarray(format="gray").mean()) for frame in frames]
        assert brightness[11:] == brightness[:11]


async def test_a_viewer_who_lost_pictures_of_a_large_group_waits_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.playback.track._AGAIN_PAUSE", 0.0)
    monkeypatch.setattr("api.playback.track._AGAIN_BYTES", 10)
    units = list(coded("gate", 4))
    async with playing() as (sessions, program), a_viewer() as (peer, offer):
        sessions.obey(units[0])
        sessions.obey(Offer("one", "gate", offer, LOOPBACK))
        seen = await seen_by(peer, await program.answer("one"))
        origin = await program.origin("one")
        await seen.arrived(1)
        (track,) = sessions._tracks
        await lost_pictures(seen, track)
        for unit in units[1:]:
            sessions.obey(unit)
        assert await seen.arrived(4) == timestamps(units, origin)


async def test_where_pictures_are_encoded_one_that_can_be_decoded_alone_is_asked_for() -> None:
    """And the group is not sent again: the key picture is newer, and smaller than all of it."""
    units = [msgspec.structs.replace(one, encoded=True) for one in coded("gate", 4, group=3)]
    async with playing() as (sessions, program), a_viewer() as (peer, offer):
        sessions.obey(units[0])
        sessions.obey(Offer("one", "gate", offer, LOOPBACK))
        seen = await seen_by(peer, await program.answer("one"))
        origin = await program.origin("one")
        await seen.arrived(1)
        (track,) = sessions._tracks
        await lost_pictures(seen, track)
        assert [one for one in program.heard if isinstance(one, Lost)] == []
        for unit in units[1:]:
            sessions.obey(unit)
        assert await seen.arrived(4) == timestamps(units, origin)
        await program.until(lambda one: one == Lost("gate"))
        assert program.heard.count(Lost("gate")) == 1


async def lost_pictures(seen: Seen, track: CameraTrack) -> None:
    """The viewer says so, and it was heard."""
    sender = track._sender
    assert sender is not None
    (ssrc,) = seen.receiver._RTCRtpReceiver__active_ssrc  # type: ignore[attr-defined]
    await seen.receiver._send_rtcp_pli(ssrc)
    await until(lambda: bool(sender._RTCRtpSender__force_keyframe))  # type: ignore[attr-defined]


async def test_one_that_is_ended_is_over() -> None:
    async with playing() as (sessions, program), a_viewer() as (peer, offer):
        for unit in coded("gate", 3):
            sessions.obey(unit)
        sessions.obey(Offer("one", "gate", offer, LOOPBACK))
        await (await seen_by(peer, await program.answer("one"))).arrived(1)
        sessions.obey(End("one"))
        assert await program.ended("one") == "it was ended"
        assert sessions._sessions == {}
        assert sessions._tracks == set()


async def test_a_viewer_that_leaves_ends_its_session() -> None:
    async with playing() as (sessions, program):
        async with a_viewer() as (peer, offer):
            for unit in coded("gate", 3):
                sessions.obey(unit)
            sessions.obey(Offer("one", "gate", offer, LOOPBACK))
            await (await seen_by(peer, await program.answer("one"))).arrived(1)
        assert await program.ended("one") == "its viewer has gone"


async def test_a_camera_that_is_gone_ends_its_sessions_and_no_others() -> None:
    async with (
        playing() as (sessions, program),
        a_viewer() as (one, offer),
        a_viewer() as (other, others),
    ):
        sessions.obey(Offer("one", "gate", offer, LOOPBACK))
        sessions.obey(Offer("other", "yard", others, LOOPBACK))
        await seen_by(one, await program.answer("one"))
        await seen_by(other, await program.answer("other"))
        sessions.obey(Gone("gate"))
        assert await program.ended("one") == "it was ended"
        assert set(sessions._sessions) == {"other"}


async def test_a_viewer_that_never_connects_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.playback.sessions, "_CONNECT", 0.2)
    async with playing() as (sessions, program), a_viewer() as (_, offer):
        sessions.obey(Offer("one", "gate", offer, LOOPBACK))
        await program.answer("one")
        assert "did not connect" in await program.ended("one")
        assert sessions._sessions == {}


async def test_viewers_who_come_and_go_leave_no_task_and_no_connection() -> None:
    before = len(asyncio.all_tasks())
    async with playing() as (sessions, program):
        sessions.obey(next(coded("gate", 1)))
        for number in range(10):
            async with a_viewer() as (peer, offer):
                sessions.obey(Offer(str(number), "gate", offer, LOOPBACK))
                await (await seen_by(peer, await program.answer(str(number)))).arrived(1)
            await program.ended(str(number))
    del peer
    await until(lambda: len(asyncio.all_tasks()) == before)
    gc.collect()
    assert [one for one in gc.get_objects() if isinstance(one, Peer | CameraTrack)] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: "m=hello", "no session description"),
        (lambda _: "", "no video"),
        (lambda sdp: sdp.replace("m=video", "m=audio"), "no video"),
        (lambda sdp: sdp.replace("H264", "H266"), "cannot be answered"),
        (lambda sdp: sdp.replace("a=fingerprint", "a=finger"), "no a=fingerprint"),
    ],
    ids=["garbage", "empty", "audio", "no H.264", "no fingerprint"],
)
async def test_an_offer_that_cannot_be_accepted_is_refused(
    change: Callable[[str], str], said: str
) -> None:
    async with playing() as (sessions, program), a_viewer() as (_, offer):
        sessions.obey(Offer("one", "gate", change(offer), LOOPBACK))
        message = await program.until(lambda one: isinstance(one, Refused))
        assert isinstance(message, Refused)
        assert said in message.problem
        assert sessions._sessions == {}


def test_no_description_is_in_a_representation() -> None:
    assert "secret" not in repr(Offer("one", "gate", "secret", LOOPBACK))
    assert "secret" not in repr(Answer("one", "secret"))


def test_what_is_sent_is_a_unit_for_each_picture() -> None:
    units = list(coded("gate", 12))
    assert [unit.key for unit in units] == [True, *[False] * 9, True, False]
    assert all(isinstance(unit, Coded) for unit in units)
