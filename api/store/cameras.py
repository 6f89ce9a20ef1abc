"""The cameras that are to be watched; their addresses, which hold passwords, are sealed."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace

import asyncpg

from api.store.database import Connection, Database
from api.store.messages import Camera, Conflict, NotFound
from api.store.sealing import Keyring
from ingest.address import CameraAddress, CameraUrl, camera_address
from ingest.options import DEFAULTS, CameraOptions, go_together
from ingest.roles import StreamRole, Streams
from pipeline.messages import CameraId

_COLUMNS = "id, name, address, enabled, created_at, options, streams"


class Cameras:
    """The table of cameras."""

    def __init__(self, database: Database, keys: Keyring) -> None:
        self._database = database
        self._keys = keys

    async def all(self) -> Sequence[Camera]:
        """Every camera, by name."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(f"select {_COLUMNS} from cameras order by name")
        return [self._camera(row) for row in rows]

    async def watched(self) -> Mapping[CameraId, str]:
        """What those that are to be watched are called."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("select id, name from cameras where enabled")
        return {CameraId(str(row["id"])): row["name"] for row in rows}

    async def get(self, camera: CameraId) -> Camera:
        """One camera.

        Raises:
            NotFound: there is none of this id.
        """
        async with self._database.connection() as connection:
            return await self._get(connection, camera)

    async def add(
        self,
        name: str,
        url: CameraAddress,
        *,
        enabled: bool,
        options: CameraOptions = DEFAULTS,
        streams: Streams | None = None,
    ) -> Camera:
        """Make a camera.

        Raises:
            BadInput: addresses and options do not go together.
            Conflict: the name is taken.
        """
        streams = streams or Streams()
        _check(url, options, streams)
        camera = CameraId(str(uuid.uuid4()))
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "insert into cameras (id, name, address, enabled, options, streams)"
                " values ($1, $2, $3, $4, $5, $6)"
                f" on conflict (name) do nothing returning {_COLUMNS}",
                camera,
                name,
                self._seal(camera, url),
                enabled,
                _written(options),
                self._seal_streams(camera, streams),
            )
        if row is None:
            raise Conflict(f"there is a camera {name!r} already")
        return self._camera(row)

    async def change(
        self,
        camera: CameraId,
        *,
        name: str | None = None,
        url: CameraAddress | None = None,
        enabled: bool | None = None,
        options: Mapping[str, object] | None = None,
        streams: Mapping[StreamRole, CameraUrl | None] | None = None,
    ) -> Camera:
        """Change what is not None; of options and streams those that are named.

        None is an option's default; instead of a stream the analysed one serves again.

        Raises:
            BadInput: address and options do not go together.
            NotFound: there is none of this id.
            Conflict: the name is taken.
        """
        async with self._database.transaction() as connection:
            old = await self._get(connection, camera, lock=True)
            new = replace(
                old,
                name=old.name if name is None else name,
                url=old.url if url is None else url,
                enabled=old.enabled if enabled is None else enabled,
                options=old.options.changed(options or {}),
                streams=old.streams.changed(streams or {}),
            )
            _check(new.url, new.options, new.streams)
            await self._update(connection, new)
        return new

    async def set_publishing_key(self, camera: CameraId, digest: bytes | None) -> None:
        """Let a key open this camera to a publisher, known by its digest; none before does.

        None: no key does.

        Raises:
            NotFound: there is none of this id.
        """
        async with self._database.connection() as connection:
            there = await connection.fetchval(
                "update cameras set publishing_key = $2 where id = $1 returning true",
                camera,
                digest,
            )
        if not there:
            raise NotFound(f"there is no camera {camera}")

    async def publishing_key(self, camera: CameraId) -> bytes | None:
        """The digest of the key that opens this camera to a publisher, None if none does."""
        async with self._database.connection() as connection:
            digest: bytes | None = await connection.fetchval(
                "select publishing_key from cameras where id = $1", camera
            )
        return digest

    async def remove(self, camera: CameraId) -> None:
        """Delete a camera.

        Raises:
            NotFound: there is none of this id.
        """
        async with self._database.connection() as connection:
            gone = await connection.fetchval(
                "delete from cameras where id = $1 returning true", camera
            )
        if not gone:
            raise NotFound(f"there is no camera {camera}")

    async def _get(self, connection: Connection, camera: CameraId, *, lock: bool = False) -> Camera:
        row = await connection.fetchrow(
            f"select {_COLUMNS} from cameras where id = $1" + (" for update" if lock else ""),
            camera,
        )
        if row is None:
            raise NotFound(f"there is no camera {camera}")
        return self._camera(row)

    async def _update(self, connection: Connection, camera: Camera) -> None:
        try:
            await connection.execute(
                "update cameras set name = $2, address = $3, enabled = $4, options = $5,"
                " streams = $6, updated_at = now() where id = $1",
                camera.id,
                camera.name,
                self._seal(camera.id, camera.url),
                camera.enabled,
                _written(camera.options),
                self._seal_streams(camera.id, camera.streams),
            )
        except asyncpg.UniqueViolationError:
            raise Conflict(f"there is a camera {camera.name!r} already") from None

    def _seal(self, camera: CameraId, url: CameraAddress) -> bytes:
        return self._keys.seal(url.with_secrets.encode(), _context(camera))

    def _seal_streams(self, camera: CameraId, streams: Streams) -> bytes | None:
        addresses = {role: url.with_secrets for role, url in streams.by_role.items()}
        if not addresses:
            return None
        return self._keys.seal(json.dumps(addresses).encode(), _streams_context(camera))

    def _streams(self, camera: CameraId, sealed: bytes | None) -> Streams:
        if sealed is None:
            return Streams()
        addresses = json.loads(self._keys.unseal(sealed, _streams_context(camera)))
        return Streams(**{role: CameraUrl.parse(text) for role, text in addresses.items()})

    def _camera(self, row: asyncpg.Record) -> Camera:
        camera = CameraId(str(row["id"]))
        address = self._keys.unseal(row["address"], _context(camera)).decode()
        return Camera(
            id=camera,
            name=row["name"],
            url=camera_address(address),
            enabled=row["enabled"],
            created_at=row["created_at"],
            options=CameraOptions.model_validate_json(row["options"]),
            streams=self._streams(camera, row["streams"]),
        )


def _written(options: CameraOptions) -> str:
    return options.model_dump_json(exclude_defaults=True)


def _check(url: CameraAddress, options: CameraOptions, streams: Streams) -> None:
    """Check that a camera can have these together.

    Raises:
        BadInput: it cannot.
    """
    streams.beside(url)
    for address in (url, *streams.by_role.values()):
        go_together(address, options)


def _context(camera: CameraId) -> str:
    return f"cameras/{camera}/address"


def _streams_context(camera: CameraId) -> str:
    return f"cameras/{camera}/streams"
