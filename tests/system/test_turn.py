"""Video by way of a TURN server: coturn, with the very options of its container."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml
from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection

from api.playback.messages import Offer
from ingest.webrtc.ice import IceServer
from tests.api.playback.test_sessions import playing
from tests.api.playback.viewers import LOOPBACK, coded, seen_by
from tests.system.service import passable_folder

pytestmark = pytest.mark.system

SECRET = "one_that_both_sides_know"
SERVICE = Path(__file__).parents[2] / "docker" / "services.yml"


@pytest.fixture(scope="module")
def turnserver() -> str:
    found = shutil.which("turnserver")
    if found is None:
        pytest.skip("coturn is not installed: apt-get install coturn")
    return found


@contextmanager
def serving(turnserver: str, folder: Path, *more: str) -> Iterator[int]:
    """The server at 127.0.0.1, with the options of its container but for its port."""
    options = yaml.safe_load(SERVICE.read_text())["services"]["turn"]["command"]
    port = free_udp_port()
    (folder / "turn.conf").write_text(f"static-auth-secret={SECRET}\n")
    own = (f"--listening-port={port}", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1")
    here = (f"--pidfile={folder}/turn.pid", "--allow-loopback-peers", *more)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [turnserver, "-c", f"{folder}/turn.conf", *options, *own, *here],
            stdout=log,
            stderr=log,
        )
    try:
        yield port
    finally:
        server.terminate()
        server.wait(20)


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))
        return int(here.getsockname()[1])


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that others may enter: as root it runs as another user."""
    with passable_folder() as made:
        yield made


async def relayed(port: int, *, expires: int) -> bool:
    """Whether a viewer who can only be reached through the server sees video."""
    turn = IceServer.turn(f"turn:127.0.0.1:{port}?transport=udp", SECRET, expires)
    asked = RTCIceServer(turn.url, turn.username, turn.credential)
    viewer = RTCPeerConnection(
        RTCConfiguration([asked], iceTransportPolicy=RTCIceTransportPolicy.RELAY)
    )
    viewer.addTransceiver("video", "recvonly")
    try:
        await viewer.setLocalDescription(await viewer.createOffer())
        async with playing() as (sessions, program):
            sessions.obey(next(coded("gate", 1)))
            sessions.obey(Offer("one", "gate", viewer.localDescription.sdp, LOOPBACK))
            seen = await seen_by(viewer, await program.answer("one"))
            with suppress(TimeoutError):
                async with asyncio.timeout(4):
                    await seen.arrived(1)
            return bool(seen.timestamps)
    finally:
        await viewer.close()


async def test_video_passes_through_the_server_to_the_address_that_is_announced(
    turnserver: str, folder: Path
) -> None:
    with serving(turnserver, folder, "--allowed-peer-ip=127.0.0.1") as port:
        assert await relayed(port, expires=round(time.time()) + 60)


async def test_it_passes_nothing_on_to_another_address(turnserver: str, folder: Path) -> None:
    with serving(turnserver, folder, "--allowed-peer-ip=198.51.100.4") as port:
        assert not await relayed(port, expires=round(time.time()) + 60)


async def test_credentials_that_have_expired_are_worth_nothing(
    turnserver: str, folder: Path
) -> None:
    with serving(turnserver, folder, "--allowed-peer-ip=127.0.0.1") as port:
        assert not await relayed(port, expires=round(time.time()) - 60)
