"""Seen by FFmpeg's own client, with its own parser: not by ours."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from ingest.virtual.camera import VirtualCamera
from ingest.virtual.clip import read_clip
from ingest.virtual.requests import Credentials
from tests.films import number_of

Film = Callable[..., Path]
OPTIONS = {
    "rtsp_transport": "tcp",
    "timeout": "20000000",
    "probesize": "32",
    "analyzeduration": "0",
}


def seen(url: str, count: int) -> list[int]:
    numbers = []
    with av.open(url, options=OPTIONS) as container:
        for picture in container.decode(video=0):
            numbers.append(number_of(np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)))
            if len(numbers) == count:
                break
    return numbers


async def test_every_client_sees_the_film_from_its_beginning_again_and_again(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(12))}) as camera:
        url = camera.url("gate").with_secrets
        first = await asyncio.to_thread(seen, url, 30)
        second = await asyncio.to_thread(seen, url, 5)
    assert first == [number % 12 for number in range(30)]
    assert second == [0, 1, 2, 3, 4]


async def test_the_pictures_are_the_files_own(film: Film) -> None:
    def pictures(url: str) -> list[bytes]:
        with av.open(url, options=OPTIONS if url.startswith("rtsp") else {}) as container:
            shown = container.decode(video=0)
            return [next(shown).to_ndarray().tobytes() for _ in range(12)]

    path = film(12)
    async with VirtualCamera({"gate": read_clip(path)}) as camera:
        sent = await asyncio.to_thread(pictures, camera.url("gate").with_secrets)
    assert sent == pictures(str(path))


async def test_it_lets_in_who_knows_the_password(film: Film) -> None:
    login = Credentials("gate", "p@ss:/#")
    async with VirtualCamera({"gate": read_clip(film(3))}, login=login) as camera:
        url = camera.url("gate")
        assert await asyncio.to_thread(seen, url.with_secrets, 2) == [0, 1]
        wrong = url.with_secrets.replace("p%40ss", "pass")
        with pytest.raises(av.error.HTTPUnauthorizedError):
            await asyncio.to_thread(seen, wrong, 1)


async def test_it_has_only_the_streams_it_was_given(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(3))}) as camera:
        with pytest.raises(av.error.HTTPNotFoundError):
            await asyncio.to_thread(seen, camera.url("yard").with_secrets, 1)


async def test_udp_is_refused(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(3))}) as camera:
        with pytest.raises(av.FFmpegError):
            await asyncio.to_thread(
                av.open, camera.url("gate").with_secrets, options={"rtsp_transport": "udp"}
            )


@pytest.mark.parametrize(
    "said", [b"\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"$\x00", b"\xff" * 99], ids=range(4)
)
async def test_nonsense_ends_only_its_own_connection(film: Film, said: bytes) -> None:
    async with VirtualCamera({"gate": read_clip(film(3))}) as camera:
        url = camera.url("gate")
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(said)
        writer.write_eof()
        await reader.read()
        writer.close()
        assert await asyncio.to_thread(seen, url.with_secrets, 2) == [0, 1]


async def test_leaving_it_closes_every_connection(film: Film) -> None:
    async with VirtualCamera({"gate": read_clip(film(3))}) as camera:
        url = camera.url("gate")
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        assert await reader.readline() == b"RTSP/1.0 200 OK\r\n"
        assert camera.clients == 1
    assert camera.clients == 0
    with suppress(ConnectionError):  # it was reset, or it ends
        await reader.read()
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(url.host, url.port)
