"""The gallery in Milvus: Lite in a file, or a server, by the same code.

One collection for each gallery and model pack: vectors of different networks never meet.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, Self, TypeVar

import numpy as np
from pymilvus import DataType, MilvusClient

from pipeline.errors import BadInput, Misconfigured
from pipeline.gallery.client import (
    CHANGE,
    SEARCH,
    Broken,
    LiteStore,
    ServerStore,
    Store,
    connected,
    explained,
)
from pipeline.gallery.people import nearest_people
from pipeline.messages import (
    EnrolledFace,
    FaceId,
    GalleryId,
    Hit,
    Match,
    PackId,
    PersonId,
    Vectors,
)

__all__ = ["Broken", "LiteStore", "MilvusGallery", "Position", "ServerStore", "Store"]

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_NEAREST, _DEEPER, _DEEPEST = 64, 4, 16384
"""Templates asked for each probe; as many times more if they are all one person's; at most."""
_BATCH = 1000
"""Rows of one request: far below the 64 MB that a server takes."""
_LONGEST = 512
"""Bytes of an id."""
_POSITIONS = "faceapi_positions"
"""The collection that says how far every other one has followed its log."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far an index has followed a log of changes: the log's own id, the number of the last."""

    log: str
    number: int


def collection_name(gallery: GalleryId, pack: PackId) -> str:
    """Letters, digits and underscores; a piece of hash keeps like-looking ids apart."""
    both = f"{gallery}/{pack}"
    plain = re.sub(r"\W", "_", both, flags=re.ASCII)[:150]
    return f"faces_{plain}_{hashlib.sha256(both.encode()).hexdigest()[:8]}"


class MilvusGallery:
    """The templates of one gallery, made by one pack.

    Milvus' client blocks, and Lite wants one caller: everything runs on a thread of its own.
    Open it with ``open``, and close it. All that it does raises ``Transient`` when the server is
    out of reach, within seconds; when the server is back, it goes on.
    """

    def __init__(self, store: Store, collection: str, dimension: int) -> None:
        self._store = store
        self._collection = collection
        self._dimension = dimension
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="milvus")
        self._client: MilvusClient | None = None

    @classmethod
    async def open(cls, store: Store, gallery: GalleryId, pack: PackId, dimension: int) -> Self:
        """Connect; the collection is made if it is not there.

        Raises:
            Transient: the server is out of reach.
            Misconfigured: the collection holds vectors of another dimension; user and password
                are refused; the file is another process's.
            Broken: the file is damaged.
        """
        opened = cls(store, collection_name(gallery, pack), dimension)
        try:
            await opened._run(opened._connect)
        except BaseException:
            await opened.close()
            raise
        return opened

    async def add(self, faces: Sequence[EnrolledFace]) -> None:
        """Make these templates searchable; a face that is there already is replaced.

        Raises:
            BadInput: a vector of another dimension, or with numbers that are none.
        """
        for face in faces:
            if face.vector.shape != (self._dimension,) or not np.isfinite(face.vector).all():
                raise BadInput(
                    f"{face.face}: no vector of {self._dimension} finite numbers "
                    f"but of {face.vector.shape}"
                )
        await self._run(self._add, faces)

    async def remove(self, faces: Sequence[FaceId]) -> None:
        """Forget these templates; an unknown id is no error."""
        await self._run(self._remove, faces)

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector its nearest people, nearest first; similarity is the cosine."""
        return [nearest_people(hits) for hits in await self.search_faces(vectors)]

    async def search_faces(self, vectors: Vectors) -> Sequence[Sequence[Hit]]:
        """For each vector its nearest templates, nearest first; of two people at least, if it can.

        Two, because a name is given by the distance to the next person.
        """
        return await self._run(self._search, vectors) if len(vectors) else []

    async def faces(self) -> set[FaceId]:
        """Every template's id."""
        return await self._run(self._faces)

    async def position(self) -> Position | None:
        """What was marked last; None in a new collection."""
        return await self._run(self._position)

    async def mark(self, position: Position) -> None:
        """Keep a position beside the templates: if they are lost, it is."""
        await self._run(self._mark, position)

    async def clear(self) -> None:
        """Forget all templates, and the position."""
        await self._run(self._clear)

    async def drop(self) -> None:
        """Delete the collection with all its templates."""
        await self._run(self._drop)

    async def close(self) -> None:
        """Let the store go; the collection stays."""
        client, self._client = self._client, None
        if client is not None:
            await asyncio.wrap_future(self._thread.submit(client.close))
        self._thread.shutdown(wait=False)

    @property
    def _open(self) -> MilvusClient:
        if self._client is None:
            raise RuntimeError("this gallery is closed")
        return self._client

    def _connect(self) -> None:
        self._client = connected(self._store)
        with explained(self._store, opening=True):
            if not self._open.has_collection(self._collection, timeout=CHANGE):
                self._create()
            self._open.load_collection(self._collection, timeout=CHANGE)
            if not self._open.has_collection(_POSITIONS, timeout=CHANGE):
                self._create_positions()
            self._open.load_collection(_POSITIONS, timeout=CHANGE)
            there = self._there()
        if there != self._dimension:
            raise Misconfigured(
                f"{self._store}: {self._collection} holds vectors of {there} numbers, "
                f"the pack makes {self._dimension}"
            )

    def _there(self) -> int:
        """The dimension of what the collection holds."""
        described = self._open.describe_collection(self._collection, timeout=CHANGE)["fields"]
        (there,) = (one["params"]["dim"] for one in described if one["name"] == "vector")
        return int(there)

    def _create(self) -> None:
        schema = self._open.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("face", DataType.VARCHAR, is_primary=True, max_length=_LONGEST)
        schema.add_field("person", DataType.VARCHAR, max_length=_LONGEST)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self._dimension)
        self._create_collection(self._collection, schema, "COSINE")

    def _create_positions(self) -> None:
        """Milvus wants a vector in every collection, so there is one of two numbers."""
        schema = self._open.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("collection", DataType.VARCHAR, is_primary=True, max_length=_LONGEST)
        schema.add_field("log", DataType.VARCHAR, max_length=_LONGEST)
        schema.add_field("number", DataType.INT64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
        self._create_collection(_POSITIONS, schema, "L2")

    def _create_collection(self, name: str, schema: Any, metric: str) -> None:  # noqa: ANN401 - pymilvus has no types
        index = self._open.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type=metric)
        self._open.create_collection(
            name,
            schema=schema,
            index_params=index,
            consistency_level="Strong",
            timeout=CHANGE,
        )

    def _add(self, faces: Sequence[EnrolledFace]) -> None:
        rows = [{"face": face.face, "person": face.person, "vector": face.vector} for face in faces]
        for at in range(0, len(rows), _BATCH):
            self._open.upsert(self._collection, rows[at : at + _BATCH], timeout=CHANGE)
        if rows:
            self._open.flush(self._collection, timeout=CHANGE)

    def _remove(self, faces: Sequence[FaceId]) -> None:
        for at in range(0, len(faces), _BATCH):
            these = _any_of("face", faces[at : at + _BATCH])
            self._open.delete(self._collection, filter=these, timeout=CHANGE)

    def _search(self, vectors: Vectors) -> Sequence[Sequence[Hit]]:
        limit = _NEAREST
        while True:
            found = self._nearest(vectors, limit)
            if limit == _DEEPEST or not any(_is_one_person(hits, limit) for hits in found):
                return found
            limit = min(limit * _DEEPER, _DEEPEST)

    def _nearest(self, vectors: Vectors, limit: int) -> Sequence[Sequence[Hit]]:
        found = self._open.search(
            self._collection,
            data=list(vectors),
            anns_field="vector",
            limit=limit,
            output_fields=["face", "person"],
            timeout=SEARCH,
        )
        return [
            [_hit(hit["entity"]["face"], hit["entity"]["person"], hit["distance"]) for hit in hits]
            for hits in found
        ]

    def _faces(self) -> set[FaceId]:
        rows = self._open.query_iterator(
            self._collection, batch_size=_BATCH, output_fields=["face"], timeout=CHANGE
        )
        found: set[FaceId] = set()
        while batch := rows.next():
            found.update(FaceId(row["face"]) for row in batch)
        rows.close()
        return found

    def _position(self) -> Position | None:
        rows = self._open.query(
            _POSITIONS,
            filter=_any_of("collection", [self._collection]),
            output_fields=["log", "number"],
            timeout=SEARCH,
        )
        return Position(rows[0]["log"], rows[0]["number"]) if rows else None

    def _mark(self, position: Position) -> None:
        row = {
            "collection": self._collection,
            "log": position.log,
            "number": position.number,
            "vector": [0.0, 0.0],
        }
        self._open.upsert(_POSITIONS, [row], timeout=CHANGE)

    def _clear(self) -> None:
        self._drop()
        self._create()
        self._open.load_collection(self._collection, timeout=CHANGE)

    def _drop(self) -> None:
        this = _any_of("collection", [self._collection])
        self._open.delete(_POSITIONS, filter=this, timeout=CHANGE)
        self._open.drop_collection(self._collection, timeout=CHANGE)

    async def _run(
        self,
        work: Callable[Arguments, Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        with explained(self._store):
            return await asyncio.wrap_future(self._thread.submit(work, *args, **kwargs))


def _hit(face: str, person: str, similarity: float) -> Hit:
    return Hit(FaceId(face), PersonId(person), float(similarity))


def _is_one_person(hits: Sequence[Hit], limit: int) -> bool:
    """Whether there may be somebody behind the many templates of one person."""
    return len(hits) == limit and len({hit.person for hit in hits}) == 1


def _any_of(field: str, ids: Iterable[str]) -> str:
    """Milvus' expression for rows with one of these ids, whatever characters they have."""
    return f"{field} in [{', '.join(map(_quoted, ids))}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
