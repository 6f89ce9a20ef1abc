"""The service when its Milvus server goes away and comes back."""

import asyncio
import os
from collections.abc import Callable

import pytest

from api.command.film import COLLINS, portrait
from tests.system.service import Service, person, wait_until
from tests.tcp import Wire

pytestmark = [pytest.mark.system, pytest.mark.milvus_server]


async def test_while_milvus_is_away_it_says_so_and_all_recovers_without_a_restart(
    new_service: Callable[..., Service],
) -> None:
    wire = Wire(os.environ["MILVUS_DB_HOST"], int(os.environ["MILVUS_DB_PORT"]))
    port = await wire.start()
    service = new_service(MILVUS_DB_HOST="127.0.0.1", MILVUS_DB_PORT=str(port))
    await asyncio.to_thread(service.start)
    await asyncio.to_thread(enroll_and_find, service)
    await wire.cut()
    await asyncio.to_thread(wait_until, lambda: gallery_is(service, "unwell", 503), "it is away")
    await wire.start(port)
    await asyncio.to_thread(wait_until, lambda: gallery_is(service, "well", 200), "it is back", 60)
    assert await asyncio.to_thread(found, service) == [COLLINS]
    assert await asyncio.to_thread(service.stop) == 0
    assert "Traceback" not in service.said()
    await wire.cut()


def gallery_is(service: Service, expected: str, status: int) -> bool:
    answered, health = service.health()
    return (answered, health["parts"]["gallery"]["status"]) == (status, expected)


def enroll_and_find(service: Service) -> None:
    with service.client() as client:
        person(client, COLLINS, portrait(COLLINS))
    wait_until(lambda: found(service) == [COLLINS], "she is found")


def found(service: Service) -> list[str]:
    with service.client() as client:
        answer = client.post("/recognize", files={"image": portrait(COLLINS).read_bytes()})
        return [face["name"] for face in answer.json()["faces"]]
