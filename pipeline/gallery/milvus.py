"""The gallery in Milvus: Lite in a file, or a server, by the same code.

One collection for each gallery and model pack: vectors of different networks never meet.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, Self, TypeVar

import numpy as np
from pymilvus import DataType, MilvusClient, MilvusException

from pipeline.errors import BadInput, Misconfigured, Transient
from pipeline.gallery.exact import nearest_people
from pipeline.messages import (
    EnrolledFace,
    FaceId,
    GalleryId,
    Match,
    PackId,
    PersonId,
    Vectors,
)

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_NEAREST = 64
"""Faces asked for each probe: the best of a few people, some with many photographs."""
_BATCH = 1000
"""Rows of one request: far below the 64 MB that a server takes."""
_LONGEST = 512
"""Bytes of an id."""


@dataclass(frozen=True, slots=True)
class LiteStore:
    """Milvus Lite in a file, used by one process."""

    path: Path

    def __str__(self) -> str:
        return f"Milvus Lite in {self.path}"


@dataclass(frozen=True, slots=True)
class ServerStore:
    """A Milvus server; the database is made if it is not there."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"Milvus at {self.host}:{self.port}"


Store = LiteStore | ServerStore


def collection_name(gallery: GalleryId, pack: PackId) -> str:
    """Letters, digits and underscores; a piece of hash keeps like-looking ids apart."""
    both = f"{gallery}/{pack}"
    plain = re.sub(r"\W", "_", both, flags=re.ASCII)[:150]
    return f"faces_{plain}_{hashlib.sha256(both.encode()).hexdigest()[:8]}"


class MilvusGallery:
    """The templates of one gallery, made by one pack.

    Milvus' client blocks, and Lite wants one caller: everything runs on a thread of its own.
    Open it with ``open``, and close it.
    """

    def __init__(self, store: Store, collection: str, dimension: int) -> None:
        self._store = store
        self._collection = collection
        self._dimension = dimension
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="milvus")
        self._client: MilvusClient

    @classmethod
    async def open(cls, store: Store, gallery: GalleryId, pack: PackId, dimension: int) -> Self:
        """Connect; the collection is made if it is not there.

        Raises:
            Transient: the server is out of reach.
            Misconfigured: the collection holds vectors of another dimension, or the file cannot
                be used.
        """
        opened = cls(store, collection_name(gallery, pack), dimension)
        await opened._run(opened._connect)
        return opened

    async def add(self, faces: Sequence[EnrolledFace]) -> None:
        """Make these templates searchable; a face that is there already is replaced.

        Raises:
            BadInput: a vector of another dimension, or with numbers that are none.
            Transient: the server is out of reach.
        """
        for face in faces:
            if face.vector.shape != (self._dimension,) or not np.isfinite(face.vector).all():
                raise BadInput(
                    f"{face.face}: no vector of {self._dimension} finite numbers "
                    f"but of {face.vector.shape}"
                )
        await self._run(self._add, faces)

    async def remove(self, faces: Sequence[FaceId]) -> None:
        """Forget these templates.

        Raises:
            Transient: the server is out of reach.
        """
        if faces:
            await self._run(self._client.delete, self._collection, ids=list(faces))

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector its nearest people, nearest first; similarity is the cosine.

        Raises:
            Transient: the server is out of reach.
        """
        return await self._run(self._search, vectors) if len(vectors) else []

    async def drop(self) -> None:
        """Delete the collection with all its templates."""
        await self._run(self._client.drop_collection, self._collection)

    async def close(self) -> None:
        """Let the store go; the collection stays."""
        await self._run(self._client.close)
        self._thread.shutdown()

    def _connect(self) -> None:
        self._client = _client(self._store)
        if not self._client.has_collection(self._collection):
            self._create()
        self._client.load_collection(self._collection)
        described = self._client.describe_collection(self._collection)["fields"]
        (there,) = (one["params"]["dim"] for one in described if one["name"] == "vector")
        if there != self._dimension:
            raise Misconfigured(
                f"{self._store}: {self._collection} holds vectors of {there} numbers, "
                f"the pack makes {self._dimension}"
            )

    def _create(self) -> None:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("face", DataType.VARCHAR, is_primary=True, max_length=_LONGEST)
        schema.add_field("person", DataType.VARCHAR, max_length=_LONGEST)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="COSINE")
        self._client.create_collection(
            self._collection, schema=schema, index_params=index, consistency_level="Strong"
        )

    def _add(self, faces: Sequence[EnrolledFace]) -> None:
        rows = [{"face": face.face, "person": face.person, "vector": face.vector} for face in faces]
        for at in range(0, len(rows), _BATCH):
            self._client.upsert(self._collection, rows[at : at + _BATCH])
        self._client.flush(self._collection)

    def _search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        found = self._client.search(
            self._collection,
            data=list(vectors),
            anns_field="vector",
            limit=_NEAREST,
            output_fields=["person"],
        )
        return [
            nearest_people((PersonId(hit["entity"]["person"]), hit["distance"]) for hit in hits)
            for hits in found
        ]

    async def _run(
        self,
        work: Callable[Arguments, Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        try:
            return await asyncio.wrap_future(self._thread.submit(work, *args, **kwargs))
        except MilvusException as error:
            raise Transient(f"{self._store} does not answer: {error.message}") from error


def _is_news(record: logging.LogRecord) -> bool:
    """Lite logs each question that only a server can answer; the client knows how to go on."""
    return not (record.exc_info and record.exc_info[0] is NotImplementedError)


def _client(store: Store) -> MilvusClient:
    if isinstance(store, LiteStore):
        logging.getLogger("grpc._server").addFilter(_is_news)
        return MilvusClient(uri=str(store.path))
    client = _server_client(store, "default")
    if store.database == "default":
        return client
    try:
        if store.database not in client.list_databases():
            client.create_database(store.database)
    finally:
        client.close()
    return _server_client(store, store.database)


def _server_client(store: ServerStore, database: str) -> MilvusClient:
    return MilvusClient(
        uri=f"http://{store.host}:{store.port}",
        user=store.user,
        password=store.password or "",
        db_name=database,
    )
