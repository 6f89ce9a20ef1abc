"""What only the gallery in memory has to keep in order: its rows, and searches on a thread."""

import asyncio

import numpy as np
import pytest

from pipeline.errors import BadInput
from pipeline.gallery import exact
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import EnrolledFace, FaceId, PersonId, Vectors

DIMENSION = 8


def unit(seed: int, count: int = 1) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


async def test_after_many_changes_it_agrees_with_a_plain_comparison() -> None:
    random, gallery = np.random.default_rng(3), ExactGallery(DIMENSION)
    vectors, kept = unit(1, 400), dict[FaceId, EnrolledFace]()
    for row in random.integers(0, 400, 2000):
        face = EnrolledFace(FaceId(f"f{row}"), PersonId(f"p{row % 40}"), vectors[row])
        if random.random() < 0.5:
            await gallery.add([face])
            kept[face.face] = face
        else:
            await gallery.remove([face.face])
            kept.pop(face.face, None)
    assert len(gallery) == len(kept)
    probe = unit(2)
    best: dict[PersonId, float] = {}
    for face in kept.values():
        best[face.person] = max(best.get(face.person, -1), float(face.vector @ probe[0]))
    (found,) = await gallery.search(probe)
    wanted = sorted(best.items(), key=lambda item: -item[1])[: len(found)]
    assert len(found) == 16
    assert [match.person for match in found] == [person for person, _ in wanted]
    assert [match.similarity for match in found] == pytest.approx([cosine for _, cosine in wanted])


@pytest.mark.parametrize("people", [1, 5, 40, 3000])
async def test_among_thousands_the_nearest_people_are_those_of_a_plain_comparison(
    people: int,
) -> None:
    gallery, vectors, probes = ExactGallery(DIMENSION), unit(1, 3000), unit(2, 7)
    owners = np.arange(3000) ** 2 % people
    await gallery.add(
        [
            EnrolledFace(FaceId(f"f{row}"), PersonId(f"p{owner}"), vectors[row])
            for row, owner in enumerate(owners)
        ]
    )
    found = await gallery.search(probes)
    assert len(found) == 7
    for probe, matches in zip(probes, found, strict=True):
        best = dict[PersonId, float]()
        for owner, similarity in zip(owners, vectors @ probe, strict=True):
            name = PersonId(f"p{owner}")
            best[name] = max(best.get(name, -1), float(similarity))
        wanted = sorted(best.items(), key=lambda item: -item[1])[:16]
        assert [match.person for match in matches] == [person for person, _ in wanted]
        cosines = [cosine for _, cosine in wanted]
        assert [match.similarity for match in matches] == pytest.approx(cosines, abs=1e-6)


async def test_what_is_removed_while_a_thread_searches_is_not_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exact, "_INLINE", 0)
    gallery = ExactGallery(DIMENSION)
    await gallery.add([EnrolledFace(FaceId("a"), PersonId("Ann"), unit(1)[0])])
    await gallery.add([EnrolledFace(FaceId("b"), PersonId("Bob"), unit(2)[0])])
    really, begun, on = gallery._search, asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(vectors: Vectors) -> object:
        found = really(vectors)
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(on.wait(), loop).result(20)
        return found

    monkeypatch.setattr(gallery, "_search", slow)
    searching = asyncio.create_task(gallery.search(unit(1)))
    await begun.wait()
    await gallery.remove([FaceId("a")])
    on.set()
    (found,) = await searching
    assert [match.person for match in found] == ["Bob"]


@pytest.mark.parametrize(
    "vector", [np.full(DIMENSION, np.nan, np.float32), unit(1)[0, :-1]], ids=["nan", "short"]
)
async def test_what_is_no_vector_is_refused_and_nothing_is_changed(vector: Vectors) -> None:
    gallery = ExactGallery(DIMENSION)
    good = EnrolledFace(FaceId("good"), PersonId("Ann"), unit(1)[0])
    with pytest.raises(BadInput, match="bad"):
        await gallery.add([good, EnrolledFace(FaceId("bad"), PersonId("Bob"), vector)])
    assert len(gallery) == 0
    with pytest.raises(BadInput, match="a probe"):
        await gallery.search(vector[None])
