"""The gallery in Milvus: Lite in a file, or a server, by the same code.

One collection for each gallery and model pack: vectors of different networks never meet.
"""

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, Self, TypeVar

import numpy as np
from pymilvus import MilvusClient

from pipeline.errors import BadInput, Misconfigured
from pipeline.gallery import collections
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
from pipeline.gallery.collections import LONGEST, POSITIONS
from pipeline.gallery.expressions import after, any_of, other_than
from pipeline.gallery.people import nearest_people
from pipeline.messages import (
    EnrolledFace,
    FaceId,
    GalleryId,
    Hit,
    Match,
    PackId,
    PersonId,
    Vector,
    Vectors,
)

__all__ = ["Broken", "LiteStore", "MilvusGallery", "Position", "ServerStore", "Store"]

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

_NEAREST = 64
"""Templates asked for each probe; as many of others if they are all one person's."""
_BATCH = 1000
"""Rows of one request: far below the 64 MB that a server takes."""
_PAGE = 10_000
"""Ids of one request, of which Milvus gives at most 16384."""
_UNFLUSHED = 64
"""Rows that Lite may keep unflushed: 1000 of them make a search take 58 ms."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far an index has followed a log of changes: the log's own id, the number of the last."""

    log: str
    number: int


def collection_name(gallery: GalleryId, pack: PackId) -> str:
    """Letters, digits and underscores; a piece of hash keeps like-looking ids apart."""
    both = f"{gallery}/{pack}"
    return f"faces_{_plain(both)[:150]}_{hashlib.sha256(both.encode()).hexdigest()[:8]}"


def _plain(text: str) -> str:
    return re.sub(r"\W", "_", text, flags=re.ASCII)


class MilvusGallery:
    """The templates of one gallery, made by one pack.

    Milvus' client blocks, so it has threads: one for what is asked quickly, one for changes, so
    that no search waits for a change while the server is frozen. Lite wants one caller: both are
    one.
    Open it with ``open``, and close it. All that it does raises ``Transient`` when the server is
    out of reach, within seconds; when the server is back, it goes on.
    """

    def __init__(self, store: Store, collection: str, dimension: int) -> None:
        self._store = store
        self._collection = collection
        self._dimension = dimension
        self._changes = ThreadPoolExecutor(1, thread_name_prefix="milvus")
        self._quick = (
            self._changes
            if isinstance(store, LiteStore)
            else ThreadPoolExecutor(1, thread_name_prefix="milvus_quick")
        )
        self._client: MilvusClient | None = None
        self._unflushed = 0
        self._closed = False

    @classmethod
    async def open(cls, store: Store, gallery: GalleryId, pack: PackId, dimension: int) -> Self:
        """Connect; the collection is made if it is not there.

        Raises:
            Transient: the server is out of reach.
            Misconfigured: the collection holds vectors of another dimension; user and password
                are refused; the file is another process's, or its folder cannot be used.
            Broken: the file is damaged.
        """
        opened = cls(store, collection_name(gallery, pack), dimension)
        try:
            await opened._run(opened._changes, opened._connect)
        except BaseException:
            await opened.close()
            raise
        return opened

    async def add(self, faces: Sequence[EnrolledFace]) -> None:
        """Make these templates searchable; a face that is there already is replaced.

        Raises:
            BadInput: a vector of another dimension, or with numbers that are none; an id that is
                empty or longer than 512 bytes.
        """
        for face in faces:
            _check_id(face.face)
            _check_id(face.person)
            self._check(face.vector, face.face)
        for at in range(0, len(faces), _BATCH):  # one by one: searches come between
            await self._run(self._changes, self._add, faces[at : at + _BATCH])

    async def remove(self, faces: Sequence[FaceId]) -> None:
        """Forget these templates; an unknown id is no error."""
        for at in range(0, len(faces), _BATCH):
            await self._run(self._changes, self._remove, faces[at : at + _BATCH])

    async def search(self, vectors: Vectors) -> Sequence[Sequence[Match]]:
        """For each vector its nearest people, nearest first; similarity is the cosine."""
        return [nearest_people(hits) for hits in await self.search_faces(vectors)]

    async def search_faces(self, vectors: Vectors) -> Sequence[Sequence[Hit]]:
        """For each vector its nearest templates, nearest first; of two people at least, if it can.

        Two, because a name is given by the distance to the next person.

        Raises:
            BadInput: a vector of another dimension, or with numbers that are none.
        """
        for vector in vectors:
            self._check(vector, "a probe")
        return await self._run(self._quick, self._search, vectors) if len(vectors) else []

    async def faces(self) -> set[FaceId]:
        """Every template's id."""
        return await self._run(self._changes, self._faces)

    async def position(self) -> Position | None:
        """What was marked last; None in a new collection."""
        return await self._run(self._quick, self._position)

    async def mark(self, position: Position) -> None:
        """Keep a position beside the templates: if they are lost, it is."""
        await self._run(self._changes, self._mark, position)

    async def clear(self) -> None:
        """Forget all templates, and the position."""
        await self._run(self._changes, self._clear)

    async def drop(self) -> None:
        """Delete the collection with all its templates."""
        await self._run(self._changes, self._drop)

    async def drop_others(self, gallery: GalleryId) -> None:
        """Delete the collections of ``gallery``, a UUID, that hold another pack's templates."""
        await self._run(self._changes, self._drop_others, f"faces_{_plain(gallery)}_")

    async def close(self) -> None:
        """Let the store go, without waiting for it; the collection stays."""
        if self._closed:
            return
        self._closed = True
        # In the order of the work: also a connection that is still being made is let go.
        self._changes.submit(self._let_go)
        self._quick.shutdown(wait=False)
        self._changes.shutdown(wait=False)

    def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @property
    def _open(self) -> MilvusClient:
        if self._client is None:
            raise RuntimeError("this gallery is closed")
        return self._client

    def _connect(self) -> None:
        self._client = connected(self._store)
        with explained(self._store, opening=True):
            there = collections.prepare(self._open, self._collection, self._dimension)
        if there != self._dimension:
            raise Misconfigured(
                f"{self._store}: {self._collection} holds vectors of {there} numbers, "
                f"the pack makes {self._dimension}"
            )

    def _add(self, faces: Sequence[EnrolledFace]) -> None:
        rows = [{"face": face.face, "person": face.person, "vector": face.vector} for face in faces]
        self._open.upsert(self._collection, rows, timeout=CHANGE)
        self._unflushed += len(rows)
        # A server searches what is not flushed, too, and takes 3 s to flush.
        if isinstance(self._store, LiteStore) and self._unflushed >= _UNFLUSHED:
            self._open.flush(self._collection, timeout=CHANGE)
            self._unflushed = 0

    def _remove(self, faces: Sequence[FaceId]) -> None:
        self._open.delete(self._collection, filter=any_of("face", faces), timeout=CHANGE)

    def _search(self, vectors: Vectors) -> Sequence[Sequence[Hit]]:
        found = self._nearest(vectors)
        for person, rows in _crowds(found).items():
            others = self._nearest(vectors[rows], other_than("person", person))
            for row, hits in zip(rows, others, strict=True):
                found[row] += hits  # all of them are further away
        return found

    def _nearest(self, vectors: Vectors, where: str = "") -> list[list[Hit]]:
        found = self._open.search(
            self._collection,
            data=list(vectors),
            anns_field="vector",
            filter=where,
            limit=_NEAREST,
            output_fields=["face", "person"],
            timeout=SEARCH,
        )
        return [
            [_hit(hit["entity"]["face"], hit["entity"]["person"], hit["distance"]) for hit in hits]
            for hits in found
        ]

    def _faces(self) -> set[FaceId]:
        """Page by page, each after the last id of the one before.

        The client's own iterator does not escape that id, and tries a frozen server for 48 s.
        """
        found: set[FaceId] = set()
        last = ""
        while True:
            rows = self._open.query(
                self._collection,
                filter=after("face", last),
                output_fields=["face"],
                limit=_PAGE,
                iterator="True",  # in the order of ids
                reduce_stop_for_best="True",
                timeout=CHANGE,
            )
            found.update(FaceId(row["face"]) for row in rows)
            if len(rows) < _PAGE:
                return found
            last = rows[-1]["face"]

    def _position(self) -> Position | None:
        rows = self._open.query(
            POSITIONS,
            filter=any_of("collection", [self._collection]),
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
        self._open.upsert(POSITIONS, [row], timeout=CHANGE)

    def _clear(self) -> None:
        self._drop()
        collections.prepare(self._open, self._collection, self._dimension)

    def _drop(self) -> None:
        self._drop_one(self._collection)

    def _drop_others(self, beginning: str) -> None:
        for name in self._open.list_collections(timeout=CHANGE):
            if name.startswith(beginning) and name != self._collection:
                self._drop_one(name)

    def _drop_one(self, name: str) -> None:
        this = any_of("collection", [name])
        self._open.delete(POSITIONS, filter=this, timeout=CHANGE)
        self._open.drop_collection(name, timeout=CHANGE)

    def _check(self, vector: Vector, whose: str) -> None:
        if vector.shape != (self._dimension,) or not np.isfinite(vector).all():
            raise BadInput(
                f"{whose}: no vector of {self._dimension} finite numbers but of {vector.shape}"
            )

    async def _run(
        self,
        thread: ThreadPoolExecutor,
        work: Callable[Arguments, Answer],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        if self._closed:
            raise RuntimeError("this gallery is closed")
        with explained(self._store):
            return await asyncio.wrap_future(thread.submit(work, *args, **kwargs))


def _check_id(text: str) -> None:
    if not 0 < len(text.encode()) <= LONGEST:
        raise BadInput(f"an id has 1 to {LONGEST} bytes in UTF-8, not so {text[:80]!r}")


def _hit(face: str, person: str, similarity: float) -> Hit:
    return Hit(FaceId(face), PersonId(person), float(similarity))


def _crowds(found: Sequence[Sequence[Hit]]) -> dict[PersonId, list[int]]:
    """Who takes all places beside a probe, so that others may be hidden; beside which ones."""
    crowds: dict[PersonId, list[int]] = {}
    for row, hits in enumerate(found):
        if len(hits) == _NEAREST and len({hit.person for hit in hits}) == 1:
            crowds.setdefault(hits[0].person, []).append(row)
    return crowds
