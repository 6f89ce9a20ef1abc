"""A camera's further streams over HTTP: the real store, an engine that keeps what it is told."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import httpx
import pytest

from api.http.app import bare_app
from api.http.routes.dependencies import signed_in
from api.http.services import Services
from api.live.roles import RoleStatus
from api.settings.settings import Settings
from api.store.cameras import Cameras
from api.store.database import Database
from api.store.messages import Role, User, UserId
from api.store.sealing import Keyring
from ingest.address import CameraUrl
from ingest.destination import Destinations
from ingest.fleet import CameraSpec
from ingest.roles import StreamRole, Streams
from ingest.source import State
from pipeline.messages import CameraId
from tests.ingest.test_destination import EVERYWHERE

LOW, HIGH = "rtsp://ann:low-word@203.0.113.9/low", "rtsp://ann:high-word@203.0.113.9/high"


class Engine:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[CameraSpec] = []

    async def put(self, camera: CameraSpec) -> None:
        self.told.append(camera)

    async def exchange(self, camera: CameraSpec) -> None:
        self.told.append(camera)

    def state(self, camera: CameraId) -> None:
        del camera

    def stream(self, camera: CameraId) -> None:
        del camera

    def roles(self, camera: CameraId) -> Sequence[RoleStatus]:
        assert camera == self.told[-1].camera
        return [
            RoleStatus(role, State.WAITING, "it refuses", 1.0, exact=False, stream=None)
            for role in self.told[-1].streams.by_role
        ]


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
async def client(
    truth: Database, keys: Keyring, engine: Engine
) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings()
    app = bare_app(settings)
    somebody = User(UserId("ann"), "ann", Role.ADMINISTRATOR, datetime.now(UTC))
    app.dependency_overrides[signed_in] = lambda: somebody
    behind = SimpleNamespace(
        settings=settings,
        cameras=Cameras(truth, keys),
        destinations=Destinations(EVERYWHERE),
        engine=engine,
    )
    app.state.services = cast(Services, behind)
    transport = httpx.ASGITransport(app)
    base = f"http://service{settings.api.v1_str}"
    async with httpx.AsyncClient(transport=transport, base_url=base) as opened:
        yield opened


async def add(client: httpx.AsyncClient, **more: object) -> httpx.Response:
    return await client.post("/cameras", json={"name": "Gate", "url": LOW, **more})


async def test_streams_are_watched_and_their_passwords_are_in_no_answer(
    client: httpx.AsyncClient, engine: Engine
) -> None:
    made = await add(client, streams={"view": HIGH})
    assert made.status_code == 201
    assert made.json()["streams"] == {"view": "rtsp://ann:***@203.0.113.9:554/high", "detail": None}
    (role,) = made.json()["roles"]
    assert (role["role"], role["state"], role["reason"]) == ("view", "waiting", "it refuses")
    high = CameraUrl.parse(HIGH)
    assert engine.told[-1].streams == Streams(view=high)
    one = f"/cameras/{made.json()['id']}"
    changes: list[tuple[object, Streams]] = [
        ({"streams": {"detail": HIGH}}, Streams(high, high)),
        ({"enabled": True}, Streams(high, high)),
        ({"streams": {"view": None}}, Streams(detail=high)),
        ({"streams": None}, Streams()),
    ]
    texts = [made.text]
    for body, streams in changes:
        answer = await client.patch(one, json=body)
        assert answer.status_code == 200
        assert engine.told[-1].streams == streams
        texts += [answer.text, (await client.get(one)).text, (await client.get("/cameras")).text]
    assert "-word" not in "".join(texts)


@pytest.mark.parametrize("role", ["view", "detail"])
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://203.0.113.9/", "rtsp"),
        ("whip:", "allowed are rtsp and rtsps"),
        ("rtsp://ann:high-word@169.254.169.254/1", "RTSP_ALLOWED_NETWORKS"),
        ("rtsp://ann:high-word@2852039166/1", "RTSP_ALLOWED_NETWORKS"),
        ("rtsp://ann:high-word@127.0.0.1/1", "RTSP_ALLOWED_NETWORKS"),
        ("", "at least 1"),
    ],
)
async def test_a_stream_is_checked_as_a_camera_is(
    client: httpx.AsyncClient, engine: Engine, role: str, url: str, why: str
) -> None:
    answer = await add(client, streams={role: url})
    assert answer.status_code == 422
    assert why in answer.text
    assert role in answer.text
    assert "high-word" not in answer.text
    assert engine.told == []
    assert (await client.get("/cameras")).json()["items"] == []


async def test_a_camera_that_publishes_has_no_other_stream(client: httpx.AsyncClient) -> None:
    answer = await add(client, url="whip:", streams={"view": HIGH})
    assert (answer.status_code, "has one stream" in answer.json()["detail"]) == (422, True)


async def test_what_is_no_stream_is_refused_without_a_word_of_it(client: httpx.AsyncClient) -> None:
    for streams in ({"look": HIGH}, {"view": [HIGH]}, [HIGH]):
        answer = await add(client, streams=streams)
        assert answer.status_code == 422
        assert "high-word" not in answer.text


def test_the_roles_are_those_of_the_addresses() -> None:
    high = CameraUrl.parse(HIGH)
    assert list(Streams(high, high).by_role) == [StreamRole.VIEW, StreamRole.DETAIL]
