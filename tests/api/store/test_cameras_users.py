"""Cameras with their sealed addresses, and users."""

import asyncio
import uuid

import pytest

from api.store.cameras import Cameras
from api.store.database import Database
from api.store.messages import Conflict, NotFound, Role, UserId
from api.store.sealing import Keyring
from api.store.users import Users
from ingest.address import CameraUrl, WhipAddress
from ingest.options import CameraOptions, Transport
from ingest.roles import StreamRole, Streams
from pipeline.errors import BadInput
from pipeline.messages import CameraId

URL = CameraUrl.parse("rtsp://ann:gr@nite-word@192.0.2.7/stream1")


@pytest.fixture
def cameras(truth: Database, keys: Keyring) -> Cameras:
    return Cameras(truth, keys)


@pytest.fixture
def users(truth: Database) -> Users:
    return Users(truth)


async def test_a_camera_comes_back_with_its_password(cameras: Cameras) -> None:
    camera = await cameras.add("Gate", URL, enabled=True)
    assert (await cameras.get(camera.id)).url == URL
    assert [one.name for one in await cameras.all()] == ["Gate"]


async def test_a_cameras_password_is_nowhere_in_the_database(
    truth: Database, cameras: Cameras
) -> None:
    await cameras.add("Gate", URL, enabled=True)
    async with truth.connection() as connection:
        rows = await connection.fetch("select cameras::text as all_of_it, address from cameras")
    assert len(rows) == 1
    assert "nite-word" not in rows[0]["all_of_it"]
    assert b"nite-word" not in rows[0]["address"]


async def test_further_streams_come_back_and_their_passwords_are_nowhere_in_the_database(
    truth: Database, cameras: Cameras
) -> None:
    high = CameraUrl.parse("rtsp://ann:high-word@192.0.2.7/high")
    camera = await cameras.add("Gate", URL, enabled=True, streams=Streams(view=high))
    assert (await cameras.get(camera.id)).streams == Streams(view=high)
    await cameras.change(camera.id, streams={StreamRole.DETAIL: high})
    changed = await cameras.change(camera.id, name="Yard", streams={StreamRole.VIEW: None})
    assert changed.streams == Streams(detail=high)
    assert await cameras.get(camera.id) == changed
    async with truth.connection() as connection:
        kept = await connection.fetchrow("select cameras::text as all_of_it, streams from cameras")
    assert kept is not None
    assert "high-word" not in kept["all_of_it"]
    assert b"high-word" not in kept["streams"]
    await cameras.change(camera.id, streams={StreamRole.DETAIL: None})
    assert (await cameras.get(camera.id)).streams == Streams()


async def test_streams_that_do_not_go_with_the_camera_change_nothing(cameras: Cameras) -> None:
    camera = await cameras.add("Phone", WhipAddress(), enabled=True)
    with pytest.raises(BadInput, match="has one stream"):
        await cameras.change(camera.id, streams={StreamRole.VIEW: URL})
    udp = CameraOptions(transport=Transport.UDP)
    gate = await cameras.add("Gate", URL, enabled=True, options=udp)
    encrypted = CameraUrl.parse("rtsps://192.0.2.7/high")
    with pytest.raises(BadInput, match="allowed is tcp for rtsps"):
        await cameras.change(gate.id, streams={StreamRole.DETAIL: encrypted})
    assert [one.streams for one in await cameras.all()] == [Streams()] * 2


async def test_a_camera_that_publishes_comes_back(cameras: Cameras) -> None:
    camera = await cameras.add("Phone", WhipAddress(), enabled=True)
    assert (await cameras.get(camera.id)).url == WhipAddress()


async def test_a_publishing_key_is_kept_as_its_digest_and_replaced(cameras: Cameras) -> None:
    camera = (await cameras.add("Phone", WhipAddress(), enabled=True)).id
    assert await cameras.publishing_key(camera) is None
    for digest in (bytes(32), None, bytes(range(32))):
        await cameras.set_publishing_key(camera, digest)
        assert await cameras.publishing_key(camera) == digest
    nothing = CameraId(str(uuid.uuid4()))
    assert await cameras.publishing_key(nothing) is None
    with pytest.raises(NotFound):
        await cameras.set_publishing_key(nothing, bytes(32))


async def test_what_is_not_said_does_not_change(cameras: Cameras) -> None:
    camera = await cameras.add("Gate", URL, enabled=True)
    changed = await cameras.change(camera.id, enabled=False)
    assert (changed.name, changed.url, changed.enabled) == ("Gate", URL, False)
    assert await cameras.get(camera.id) == changed


async def test_a_cameras_name_is_its_own(cameras: Cameras) -> None:
    await cameras.add("Gate", URL, enabled=True)
    other = await cameras.add("Yard", URL, enabled=True)
    with pytest.raises(Conflict, match="Gate"):
        await cameras.add("Gate", URL, enabled=True)
    with pytest.raises(Conflict, match="Gate"):
        await cameras.change(other.id, name="Gate")


async def test_a_camera_that_is_not_there(cameras: Cameras) -> None:
    nothing = CameraId(str(uuid.uuid4()))
    for attempt in (cameras.get(nothing), cameras.change(nothing), cameras.remove(nothing)):
        with pytest.raises(NotFound):
            await attempt


async def test_the_first_user_is_made_once(users: Users) -> None:
    first = await users.add_first("admin", "hash")
    assert first is not None
    assert await users.add_first("admin", "another") is None
    assert await users.credentials("admin") == (first, "hash")


async def test_users_come_and_go(users: Users) -> None:
    assert await users.add_first("admin", "hash") is not None
    ann = await users.add("ann", "hash", Role.VIEWER)
    with pytest.raises(Conflict, match="ann"):
        await users.add("ann", "hash", Role.VIEWER)
    await users.set_password(ann.id, "raised")
    assert await users.credentials("ann") == (ann, "raised")
    assert await users.get(ann.id) == ann
    await users.remove(ann.id)
    assert await users.get(ann.id) is None
    assert await users.credentials("ann") is None
    with pytest.raises(NotFound):
        await users.remove(UserId(str(uuid.uuid4())))


async def test_a_cameras_options_are_changed_one_by_one(cameras: Cameras) -> None:
    told = CameraOptions(analysed=5, masks=(((0, 0), (0.5, 0), (0.5, 0.25)),))
    camera = await cameras.add("Gate", URL, enabled=True, options=told)
    assert (await cameras.get(camera.id)).options == told
    await cameras.change(camera.id, options={"transport": "udp", "masks": None})
    await cameras.change(camera.id, name="Yard")
    (stored,) = await cameras.all()
    assert stored.options == CameraOptions(analysed=5, transport=Transport.UDP)


async def test_an_address_that_does_not_go_with_the_options_changes_nothing(
    cameras: Cameras,
) -> None:
    camera = await cameras.add(
        "Gate", URL, enabled=True, options=CameraOptions(transport=Transport.UDP)
    )
    with pytest.raises(BadInput, match="allowed is tcp for rtsps"):
        await cameras.change(camera.id, url=CameraUrl.parse("rtsps://192.0.2.7/stream1"))
    assert (await cameras.get(camera.id)).url == URL


async def test_an_administrator_remains(users: Users) -> None:
    admin = await users.add_first("admin", "hash")
    assert admin is not None
    assert admin.role is Role.ADMINISTRATOR
    ann = await users.add("ann", "hash", Role.VIEWER)
    for attempt in (users.remove(admin.id), users.set_role(admin.id, Role.VIEWER)):
        with pytest.raises(Conflict, match="has to remain"):
            await attempt
    assert (await users.set_role(ann.id, Role.ADMINISTRATOR)).role is Role.ADMINISTRATOR
    both = await asyncio.gather(
        users.set_role(admin.id, Role.VIEWER),
        users.set_role(ann.id, Role.VIEWER),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) for one in both) == 1
    assert sum(user.role is Role.ADMINISTRATOR for user in await users.all()) == 1
    with pytest.raises(NotFound):
        await users.set_role(UserId(str(uuid.uuid4())), Role.VIEWER)
