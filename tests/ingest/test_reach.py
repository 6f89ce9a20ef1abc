import asyncio
import socket
from ipaddress import ip_network

from ingest.address import CameraUrl
from ingest.destination import Destinations
from ingest.reach import listening

HERE = Destinations([ip_network("127.0.0.0/8")])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_it_returns_when_something_listens_and_no_earlier() -> None:
    url = CameraUrl("rtsp", "127.0.0.1", free_port(), "/1")
    waiting = asyncio.create_task(listening(url, HERE))
    await asyncio.sleep(1.3)
    assert not waiting.done()
    async with await asyncio.start_server(hang_up, url.host, url.port):
        await asyncio.wait_for(waiting, 10)


async def test_a_name_that_is_not_known_is_looked_up_again() -> None:
    waiting = asyncio.create_task(listening(CameraUrl("rtsp", "gate.invalid", 554, "/1"), HERE))
    await asyncio.sleep(1.3)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_where_no_camera_may_be_any_more_nobody_knocks() -> None:
    asked = asyncio.Event()

    def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        hang_up(reader, writer)

    async with await asyncio.start_server(note, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        nowhere = Destinations([ip_network("0.0.0.0/0")])
        await listening(CameraUrl("rtsp", "127.0.0.1", port, "/1"), nowhere)
    assert not asked.is_set()
