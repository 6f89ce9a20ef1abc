"""What holds for every request: limits, ids, problem details."""

import asyncio
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request

from api.http import problem_details, requests
from api.http.app import bare_app
from api.http.auth.tokens import NotSignedIn
from api.http.requests import Requests
from api.settings.settings import Settings
from api.store.messages import Conflict, NotFound
from pipeline.errors import BadInput, Misconfigured, Transient

ERRORS = {
    "BadInput": BadInput("too small"),
    "Transient": Transient("away"),
    "NotFound": NotFound("nobody"),
    "Conflict": Conflict("taken"),
    "NotSignedIn": NotSignedIn("who?"),
    "Misconfigured": Misconfigured("a secret path"),
    "ZeroDivisionError": ZeroDivisionError("a secret number"),
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()

    @app.post("/private/length")
    async def length(request: Request) -> int:
        return len(await request.body())

    @app.get("/error/{name}")
    async def error(name: str) -> None:
        raise ERRORS[name]

    problem_details.install(app)
    app.add_middleware(Requests, limit=1000, private="/private")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as opened:
        yield opened


async def chunks(count: int, pause: float = 0.0) -> AsyncIterator[bytes]:
    for _ in range(count):
        await asyncio.sleep(pause)
        yield bytes(100)


async def test_what_is_within_the_limit_passes(client: httpx.AsyncClient) -> None:
    answer = await client.post("/private/length", content=chunks(10))
    assert (answer.status_code, answer.json()) == (200, 1000)
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert len(answer.headers["x-request-id"]) == 32


async def test_what_is_too_long_is_broken_off(client: httpx.AsyncClient) -> None:
    answer = await client.post("/private/length", content=chunks(11))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert "BACKEND_UPLOAD_LIMIT" in answer.json()["detail"]


async def test_what_takes_too_long_is_broken_off(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "_PATIENCE", 0.1)
    answer = await client.post("/private/length", content=chunks(5, pause=0.08))
    assert answer.status_code == 408


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("BadInput", 422),
        ("Transient", 503),
        ("NotFound", 404),
        ("Conflict", 409),
        ("NotSignedIn", 401),
    ],
)
async def test_what_was_foreseen_says_what_is_wrong(
    client: httpx.AsyncClient, name: str, status: int
) -> None:
    answer = await client.get(f"/error/{name}")
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["detail"] == str(ERRORS[name])
    assert problem["instance"] == f"/error/{name}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert ("retry-after" in answer.headers) == (name == "Transient")


@pytest.mark.parametrize("name", ["Misconfigured", "ZeroDivisionError"])
async def test_what_is_our_fault_is_told_to_the_log_only(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await client.get(f"/error/{name}")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["request_id"] in answer.json()["detail"]
    assert answer.json()["request_id"] in caplog.text
    assert str(ERRORS[name]) in caplog.text


async def test_what_does_not_exist_is_a_problem_too(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing")
    assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")
    assert (await client.get("/private/length")).status_code == 405


async def test_a_slash_too_many_leads_nowhere() -> None:
    """Least of all to http:, for whoever came by https: to a proxy; the token would follow."""
    transport = httpx.ASGITransport(bare_app(Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.get("/api/v1/people/")
    assert (answer.status_code, answer.headers.get("location")) == (404, None)
