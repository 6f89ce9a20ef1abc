"""The websocket, served as the program serves it: limits, encodings, readers that do not read."""

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from api.http import bounded_websocket, conversation
from api.http.bounded_websocket import BoundedWebSocket
from api.http.conversation import Encoding, Json, MessagePack
from api.live.wire import FaceMessage, FrameMessage, ProblemMessage
from api.settings.sections import LiveSettings
from pipeline.messages import Status
from tests.live_server import LiveServer, live_server

MSGPACK, JSON = Subprotocol("faceapi.v1.msgpack"), Subprotocol("faceapi.v1.json")


def frame(seq: int, faces: int = 0) -> FrameMessage:
    face = FaceMessage(
        track=1,
        box=(1, 2, 3, 4),
        detection_score=0.9,
        status=Status.UNKNOWN,
        person=None,
        name=None,
        similarity=0.8,
    )
    return FrameMessage(
        camera="gate",
        seq=seq,
        captured_at=0,
        rtp_timestamp=None,
        media_time=0,
        width=64,
        height=48,
        faces=(face,) * faces,
    )


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody says so
            await asyncio.sleep(0.01)


def decode(told: str | bytes) -> object:
    """Text is JSON, bytes are MessagePack."""
    return msgspec.msgpack.decode(told) if isinstance(told, bytes) else json.loads(told)


async def message(opened: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(10):
        told: dict[str, Any] = json.loads(await opened.recv())
    return told


@asynccontextmanager
async def subscribed(
    server: LiveServer, user: str = "admin"
) -> AsyncIterator[tuple[ClientConnection, dict[str, Any]]]:
    """A websocket that hears of the gate, and its snapshot."""
    async with connect(server.address(user)) as opened:
        await opened.send(json.dumps({"type": "subscribe", "cameras": ["gate"]}))
        yield opened, await message(opened)


async def ended(opened: ClientConnection) -> tuple[int | None, str | None]:
    """Code and reason with which the server closes."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(20):
            while True:
                await opened.recv()
    return opened.close_code, opened.close_reason


async def test_json_is_spoken_unless_messagepack_is_asked_for() -> None:
    async with live_server(LiveSettings()) as server:
        for offered, spoken in (
            (None, None),
            ([JSON, MSGPACK], JSON),
            ([Subprotocol("soap"), MSGPACK], MSGPACK),
        ):
            async with connect(server.address(), subprotocols=offered) as opened:
                assert opened.subprotocol == spoken
                wish = {"type": "subscribe", "cameras": None}
                packed = spoken == MSGPACK
                await opened.send(msgspec.msgpack.encode(wish) if packed else json.dumps(wish))
                told = await opened.recv()
                assert isinstance(told, bytes) is packed
                decoded = decode(told)
                assert decoded == {
                    "type": "snapshot",
                    "epoch": server.hub.epoch,
                    "cursor": 0,
                    "max_age": 2.0,
                    "cameras": [],
                    "frames": [],
                    "present": [],
                }


async def test_what_is_no_subscription_is_answered_and_the_next_one_counts() -> None:
    problem = ProblemMessage(detail=conversation._EXPECTED).model_dump()
    async with live_server(LiveSettings()) as server:
        async with connect(server.address()) as opened:
            for nonsense in ("nonsense", "", b"\xff", "[" * 60_000, '{"type": "subscribe"}'):
                await opened.send(nonsense)
                assert await message(opened) == problem
            await opened.send('{"type": "subscribe", "cameras": null}')
            assert (await message(opened))["type"] == "snapshot"
        async with connect(server.address(), subprotocols=[MSGPACK]) as opened:
            for nonsense in ('{"type": "subscribe", "cameras": null}', b"\x91" * 60_000, b""):
                await opened.send(nonsense)
                assert decode(await opened.recv()) == problem


@given(st.binary(max_size=200) | st.sampled_from([b"\xc1", b"\xa1\xff", b"\x81\x80\x01"]))
def test_nothing_that_is_sent_in_is_worse_than_a_value_error(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    cases: list[tuple[Encoding, dict[str, Any]]] = [
        (MessagePack(), {"bytes": data}),
        (MessagePack(), {"text": text}),
        (Json(), {"text": text}),
        (Json(), {"bytes": data}),
    ]
    for encoding, received in cases:
        with pytest.raises(ValueError):  # noqa: PT011 - whichever: it is answered
            encoding.subscription(received)


async def test_another_subscription_takes_the_place_of_the_first() -> None:
    async with live_server(LiveSettings()) as server, subscribed(server) as (opened, _):
        server.hub.publish(frame(1))
        assert (await message(opened))["seq"] == 1
        await opened.send('{"type": "subscribe", "cameras": ["yard"]}')
        assert (await message(opened))["frames"] == []
        server.hub.publish(frame(2))
        server.hub.publish(frame(3).model_copy(update={"camera": "yard"}))
        assert (await message(opened))["seq"] == 3


async def test_a_cut_connection_goes_on_where_it_was() -> None:
    async with live_server(LiveSettings()) as server:
        async with subscribed(server) as (opened, snapshot):
            server.hub.publish(frame(1))
            last = await message(opened)
            opened.transport.abort()
        await until(lambda: not server.sockets)
        server.hub.publish(frame(2))
        after = {"epoch": snapshot["epoch"], "cursor": last["cursor"]}
        async with connect(server.address()) as opened:
            wish = {"type": "subscribe", "cameras": ["gate"], "after": after}
            await opened.send(json.dumps(wish))
            server.hub.publish(frame(3))
            assert [(await message(opened))["seq"] for _ in range(2)] == [2, 3]


async def test_what_is_too_large_or_too_often_is_refused() -> None:
    async with live_server(LiveSettings()) as server:
        async with connect(server.address()) as opened:
            await opened.send("x" * (1 << 17))
            assert (await ended(opened))[0] == 1009
        async with connect(server.address()) as opened:
            for _ in range(conversation._ASKED + 1):
                await opened.send("nonsense")
            code, reason = await ended(opened)
            assert code == 4429
            assert reason is not None
            assert reason.startswith(f"more than {conversation._ASKED} messages")
        await until(lambda: not server.sockets)


async def test_there_is_room_for_so_many_and_again_when_one_leaves() -> None:
    limits = LiveSettings(most_sockets=3, most_sockets_per_user=2)
    async with live_server(limits) as server, AsyncExitStack() as stack:
        ann = [await stack.enter_async_context(subscribed(server, "ann")) for _ in range(2)]
        async with connect(server.address("ann")) as third:
            code, reason = await ended(third)
            assert code == 4429
            assert reason is not None
            assert "LIVE_MOST_SOCKETS_PER_USER" in reason
        await stack.enter_async_context(subscribed(server, "bob"))
        async with connect(server.address("eve")) as fourth:
            assert await ended(fourth) == (1013, "3 are open: LIVE_MOST_SOCKETS")
        await ann[0][0].close()
        await until(lambda: server.registry.get_sample_value("faceapi_listeners") == 2)
        await stack.enter_async_context(subscribed(server, "eve"))
        assert server.registry.get_sample_value("faceapi_listeners_refused_total") == 2


class Mute:
    """A peer of bytes: subscribes, and from then on reads only when it is told to."""

    def __init__(self, server: LiveServer) -> None:
        self.door = socket.create_connection(("127.0.0.1", server.port))
        self.door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        path = server.address().partition(str(server.port))[2]
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
        self.door.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n".encode())

    def send(self, opcode: int, payload: bytes) -> None:
        """One masked message (RFC 6455, 5.2), its mask all zeros."""
        length = bytes([0x80 | len(payload)])
        self.door.sendall(bytes([0x80 | opcode]) + length + bytes(4) + payload)

    def subscribe(self) -> None:
        self.send(1, b'{"type": "subscribe", "cameras": null}')

    def read_until(self, wanted: bytes) -> bytes:
        """All that comes, up to what is waited for."""
        self.door.settimeout(10)
        read = b""
        while wanted not in read:
            data = self.door.recv(1 << 16)
            assert data, f"it ended without {wanted!r}"
            read += data
        return read


@asynccontextmanager
async def mute(server: LiveServer) -> AsyncIterator[Mute]:
    before = len(server.sockets)
    peer = Mute(server)
    try:
        await until(lambda: len(server.sockets) > before)
        yield peer
    finally:
        peer.door.close()


def is_of(end: BoundedWebSocket, peer: Mute) -> bool:
    return bool(end.client == peer.door.getsockname())


def unsent(server: LiveServer) -> int:
    return max(end.transport.get_write_buffer_size() for end in server.sockets)


async def test_whoever_does_not_read_is_told_and_let_go_and_others_notice_nothing() -> None:
    limits = LiveSettings(stalled=0.5, max_age=5)
    async with live_server(limits) as server, subscribed(server) as (quick, _):
        async with mute(server) as slow:
            slow.subscribe()
            await until(lambda: server.registry.get_sample_value("faceapi_listeners") == 2)
            (end,) = (one for one in server.sockets if is_of(one, slow))
            largest = told = 0
            while not end.close_sent:
                server.hub.publish(frame(told, faces=20))
                assert (await message(quick))["seq"] == told
                largest, told = max(largest, unsent(server)), told + 1
            assert largest < 2 * bounded_websocket._UNSENT
            read = await asyncio.to_thread(slow.read_until, b"nothing was read for 0.5 s")
        assert read.count(b'"type":"frame"') < told
        await until(lambda: len(server.sockets) == 1)


async def test_a_slow_reader_gets_the_present_in_place_of_the_past() -> None:
    async with live_server(LiveSettings(max_age=0.1)) as server, mute(server) as slow:
        slow.subscribe()
        await until(lambda: server.registry.get_sample_value("faceapi_listeners") == 1)
        (end,) = server.sockets
        told = 0
        while end.writable.is_set():
            server.hub.publish(frame(told, faces=20))
            told += 1
            await asyncio.sleep(0)
        for _ in range(3):
            server.hub.publish(frame(told, faces=20))
            await asyncio.sleep(0.1)  # what waits grows old
        read = await asyncio.to_thread(slow.read_until, b'"type":"gap","reason":"slow"')
        gap = read.index(b'"type":"gap"')
        if b'"type":"snapshot"' not in read[gap:]:
            await asyncio.to_thread(slow.read_until, b'"type":"snapshot"')
        assert server.registry.get_sample_value("faceapi_listener_drops_total") == 2


@pytest.mark.parametrize("reads", [True, False])
async def test_a_peer_that_leaves_is_gone_even_with_messages_unread(
    reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_websocket, "CLOSED_WITHIN", 0.2)
    async with live_server(LiveSettings()) as server, mute(server) as peer:
        peer.subscribe()
        await until(lambda: server.registry.get_sample_value("faceapi_listeners") == 1)
        (end,) = server.sockets
        while not reads and end.writable.is_set():
            server.hub.publish(frame(1, faces=20))
            await asyncio.sleep(0)
        peer.send(8, b"")
        await until(lambda: not server.sockets)
        await until(lambda: server.registry.get_sample_value("faceapi_listeners") == 0)


async def test_a_peer_that_is_gone_without_a_word_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_websocket, "CLOSED_WITHIN", 0.2)
    monkeypatch.setattr("api.program.program.PING_EVERY", 0.2)
    monkeypatch.setattr("api.program.program.PONG_WITHIN", 0.2)
    async with (
        live_server(LiveSettings()) as server,
        mute(server) as peer,
        subscribed(server) as (opened, _),
    ):
        peer.subscribe()
        await until(lambda: server.registry.get_sample_value("faceapi_listeners") == 2)
        await until(lambda: len(server.sockets) == 1)
        server.hub.publish(frame(1))
        assert (await message(opened))["seq"] == 1
        await asyncio.to_thread(peer.read_until, b"keepalive ping timeout")


async def test_pings_of_a_peer_that_does_not_read_fill_nothing() -> None:
    async with live_server(LiveSettings()) as server, mute(server) as peer:
        peer.subscribe()
        await until(lambda: server.registry.get_sample_value("faceapi_listeners") == 1)
        (end,) = server.sockets
        while end.writable.is_set():
            server.hub.publish(frame(1, faces=20))
            await asyncio.sleep(0)
        before = unsent(server)
        for _ in range(2000):
            peer.send(9, b"x" * 100)
        await asyncio.sleep(0.2)
        assert unsent(server) == before


async def test_two_hundred_come_and_go_and_nothing_is_left() -> None:
    async with live_server(LiveSettings()) as server:
        async with subscribed(server):
            pass
        await until(lambda: not server.sockets)
        tasks = len(asyncio.all_tasks())
        for turn in range(20):
            async with AsyncExitStack() as stack:
                for _ in range(10):
                    opened, _ = await stack.enter_async_context(subscribed(server))
                    if turn % 2:
                        opened.transport.abort()
                server.hub.publish(frame(turn))
        await until(lambda: not server.sockets)
        await until(lambda: len(asyncio.all_tasks()) == tasks)
        assert server.registry.get_sample_value("faceapi_listeners") == 0
        gc.collect()
        ends = [one for one in gc.get_objects() if type(one) is BoundedWebSocket]
        assert ends == []


async def test_a_message_is_encoded_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    encode = FrameMessage.model_dump_json

    def counting(told: FrameMessage) -> str:
        encoded.append(told.seq)
        return encode(told)

    monkeypatch.setattr(FrameMessage, "model_dump_json", counting)
    async with live_server(LiveSettings()) as server, AsyncExitStack() as stack:
        readers = [(await stack.enter_async_context(subscribed(server)))[0] for _ in range(20)]
        server.hub.publish(frame(1))
        for reader in readers:
            assert (await message(reader))["seq"] == 1
    assert encoded == [1]


async def test_what_breaks_while_it_sends_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: FrameMessage) -> str:
        raise ZeroDivisionError

    async with live_server(LiveSettings()) as server, subscribed(server) as (opened, _):
        monkeypatch.setattr(FrameMessage, "model_dump_json", broken)
        server.hub.publish(frame(1))
        assert (await ended(opened))[0] == 1006
        await until(lambda: server.registry.get_sample_value("faceapi_listeners") == 0)
    assert "ZeroDivisionError" in caplog.text


async def test_messages_without_end_of_a_peer_that_does_not_read_end_it() -> None:
    async with live_server(LiveSettings(stalled=0.3)) as server, mute(server) as peer:
        peer.subscribe()
        await until(lambda: server.registry.get_sample_value("faceapi_listeners") == 1)
        (end,) = server.sockets
        while end.writable.is_set():
            server.hub.publish(frame(1, faces=20))
            await asyncio.sleep(0)
        for _ in range(5):
            peer.send(1, b"nonsense")  # whose answers wait behind what is not read
        await until(lambda: end.close_sent)
        await asyncio.to_thread(peer.read_until, b"nothing was read for 0.3 s")
        peer.door.close()
        await until(lambda: not server.sockets)
