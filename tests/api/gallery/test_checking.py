"""The gallery tests itself while the program goes on. Real PostgreSQL."""

import asyncio

import numpy as np
import pytest

from api.gallery import checking
from api.gallery.checking import GalleryChecker
from api.store.database import Database
from api.store.faces import Faces
from api.store.messages import Conflict, NewFace
from api.store.people import People
from api.store.sealing import Keyring
from pipeline.errors import BadInput
from pipeline.evaluation.gallery_check import GalleryStudy
from pipeline.messages import FaceId, GalleryId, PackId

PACK = PackId("pack-1")


@pytest.fixture
async def faces(truth: Database, gallery: GalleryId, keys: Keyring) -> Faces:
    """Ann with two like photographs and one that is Bob's, Bob with one."""
    people, faces = People(truth, gallery), Faces(truth, gallery, keys)
    for name, angles in (("Ann", (0, 10, 90)), ("Bob", (91,))):
        person, _ = await people.add(name)
        for degrees in angles:
            template = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
            new = NewFace(PACK, template.astype(np.float32), b"jpeg", 1, 1, b"%d" % degrees)
            await faces.add(person.id, new)
    return faces


async def test_a_photograph_that_is_set_aside_is_in_no_check_any_more(faces: Faces) -> None:
    checker = GalleryChecker(faces, PACK, 0.9)
    found = await checker.check(0.01)
    assert (found.people, found.faces, found.doubtful_faces) == (2, 4, 2)
    odd = found.doubtful[0] if found.doubtful[0].own else found.doubtful[1]
    await faces.set_aside(odd.person, FaceId(odd.face), aside=True)
    found = await checker.check(0.01)
    assert (found.people, found.faces, found.doubtful_faces) == (2, 3, 0)


async def test_one_check_at_a_time_and_the_next_after_it(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    read = GalleryChecker._read

    async def held(checker: GalleryChecker) -> object:
        began.set()
        await go_on.wait()
        return await read(checker)

    monkeypatch.setattr(GalleryChecker, "_read", held)
    checker = GalleryChecker(faces, PACK, 0.9)
    first = asyncio.create_task(checker.check(0.01))
    await began.wait()
    with pytest.raises(Conflict, match="already"):
        await checker.check(0.01)
    go_on.set()
    assert (await first).faces == (await checker.check(0.01)).faces == 4


async def test_a_check_that_is_given_up_leaves_room_for_the_next(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker = GalleryChecker(faces, PACK, 0.9)

    def broken(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(GalleryStudy, "add", broken)
        with pytest.raises(asyncio.CancelledError):
            await checker.check(0.01)
    assert (await checker.check(0.01)).faces == 4


async def test_a_gallery_that_is_too_large_is_refused(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MOST", 3)
    with pytest.raises(BadInput, match="more than 3 faces"):
        await GalleryChecker(faces, PACK, 0.9).check(0.01)
