"""People, their faces, and the log of what happened to them."""

import asyncio
import uuid
from dataclasses import replace

import numpy as np
import pytest

from api.store.changes import Changes
from api.store.database import Database
from api.store.faces import Faces
from api.store.messages import Kind, NewFace, NotFound
from api.store.people import People
from api.store.sealing import Keyring
from pipeline.counterexamples import other_than
from pipeline.errors import BadInput
from pipeline.messages import FaceId, GalleryId, PackId, PersonId

PACK = PackId("builtin")
NOBODY = PersonId(str(uuid.uuid4()))


@pytest.fixture
def people(truth: Database, gallery: GalleryId) -> People:
    return People(truth, gallery)


@pytest.fixture
def faces(truth: Database, gallery: GalleryId, keys: Keyring) -> Faces:
    return Faces(truth, gallery, keys)


@pytest.fixture
def changes(truth: Database, gallery: GalleryId) -> Changes:
    return Changes(truth, gallery)


def new_face(photograph: bytes = b"one", pack: PackId = PACK) -> NewFace:
    template = np.linspace(-1, 1, 128, dtype=np.float32)
    return NewFace(pack, template / np.linalg.norm(template), b"a jpeg", 256, 256, photograph)


async def test_people_come_by_name_page_by_page(people: People) -> None:
    for name in ("bob", "Ann", "Cid", "ann", "Dot"):
        await people.add(name)
    first = await people.page("", None, 3)
    rest = await people.page("", first.next, 3)
    names = [person.name for person in [*first.people, *rest.people]]
    assert [name.lower() for name in names] == ["ann", "ann", "bob", "cid", "dot"]
    assert (len(first.people), rest.next) == (3, None)


async def test_a_counterexample_is_kept_beside_the_faces_and_searched_as_somebody_else(
    people: People, faces: Faces
) -> None:
    ann, _ = await people.add("Ann")
    own, _ = await faces.add(ann.id, new_face(b"own"))
    other, (change,) = await faces.add(ann.id, replace(new_face(b"other"), counter=True))
    assert (change.kind, change.face) == (Kind.FACE_ADDED, other.id)
    assert await faces.of(ann.id) == [own]
    assert await faces.of(ann.id, counter=True) == [other]
    assert (await people.get(ann.id)).faces == 1
    whose = {own.id: ann.id, other.id: other_than(ann.id)}
    pages = [page async for page in faces.pages(PACK, 10)]
    assert {face.face: face.person for page in pages for face in page} == whose
    searched = await faces.templates([own.id, other.id], PACK)
    assert {face.face: face.person for face in searched} == whose
    for photograph, counter in ((b"own", True), (b"other", False)):
        with pytest.raises(BadInput, match="delete that"):
            await faces.add(ann.id, replace(new_face(photograph), counter=counter))
    await faces.remove(ann.id, other.id)
    assert await faces.of(ann.id, counter=True) == []


async def test_somebody_is_ignored_until_she_is_not(people: People, changes: Changes) -> None:
    ann, _ = await people.add("Ann")
    assert not ann.ignored
    ignored, (change,) = await people.ignore(ann.id, ignored=True)
    assert (ignored.ignored, ignored.name, change.kind) == (True, "Ann", Kind.PERSON_NAMED)
    assert await people.ignored() == await people.ignored([ann.id, NOBODY]) == {ann.id}
    assert await people.ignored([NOBODY]) == set()
    assert (await people.get(ann.id)).ignored
    await people.ignore(ann.id, ignored=False)
    assert await people.ignored() == set()
    assert [one.number for one in await changes.after(0, 9)] == [1, 2, 3]


@pytest.mark.parametrize("query", ["%", "_", "'; drop table people; --", "\\"])
async def test_a_part_of_a_name_is_text_and_no_pattern(people: People, query: str) -> None:
    await people.add("Ann")
    await people.add(f"x{query}y")
    page = await people.page(query, None, 10)
    assert [person.name for person in page.people] == [f"x{query}y"]


async def test_what_is_not_there_cannot_be_changed(people: People, faces: Faces) -> None:
    for attempt in (
        people.get(NOBODY),
        people.rename(NOBODY, "x"),
        people.ignore(NOBODY, ignored=True),
        people.remove(NOBODY),
        faces.add(NOBODY, new_face()),
        faces.remove(NOBODY, FaceId(str(uuid.uuid4()))),
        faces.set_aside(NOBODY, FaceId(str(uuid.uuid4())), aside=True),
        faces.crop(NOBODY, FaceId(str(uuid.uuid4()))),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_template_comes_back_as_it_was(people: People, faces: Faces) -> None:
    person, _ = await people.add("Ann")
    face, _ = await faces.add(person.id, new_face())
    (back,) = await faces.templates([face.id], PACK)
    assert (back.face, back.person) == (face.id, person.id)
    assert np.array_equal(back.vector, new_face().template)
    assert await faces.crop(person.id, face.id) == b"a jpeg"
    assert (await people.get(person.id)).faces == 1


async def test_what_is_kept_of_a_face_is_sealed(
    truth: Database, people: People, faces: Faces
) -> None:
    person, _ = await people.add("Ann")
    await faces.add(person.id, new_face())
    async with truth.connection() as connection:
        row = await connection.fetchrow("select template, crop from faces")
    assert row is not None
    assert new_face().template.tobytes()[:16] not in row["template"]
    assert b"a jpeg" not in row["crop"]


async def test_templates_of_another_pack_are_not_given(people: People, faces: Faces) -> None:
    person, _ = await people.add("Ann")
    face, _ = await faces.add(person.id, new_face(pack=PackId("other")))
    assert await faces.templates([face.id], PACK) == []
    assert await faces.ids(PACK) == set()
    assert await faces.ids(PackId("other")) == {face.id}


async def test_a_face_that_is_set_aside_is_kept_and_not_searched_until_it_is_taken_back(
    people: People, faces: Faces, changes: Changes
) -> None:
    person, _ = await people.add("Ann")
    face, _ = await faces.add(person.id, new_face())
    other, _ = await faces.add(person.id, new_face(b"two"))
    stored, aside = await faces.set_aside(person.id, face.id, aside=True)
    assert (stored.set_aside, [change.kind for change in aside]) == (True, [Kind.FACE_REMOVED])
    assert await searched(faces, face.id, other.id) == {other.id}
    assert [one.set_aside for one in await faces.of(person.id)] == [True, False]
    assert await faces.crop(person.id, face.id) == b"a jpeg"
    again, nothing = await faces.add(person.id, new_face())
    assert (again.id, again.set_aside, nothing) == (face.id, True, [])
    stored, back = await faces.set_aside(person.id, face.id, aside=False)
    assert (stored.set_aside, [change.kind for change in back]) == (False, [Kind.FACE_ADDED])
    assert await searched(faces, face.id, other.id) == {face.id, other.id}
    assert (await changes.head()).number == back[-1].number


async def test_a_face_is_not_set_aside_twice(people: People, faces: Faces) -> None:
    person, _ = await people.add("Ann")
    face, _ = await faces.add(person.id, new_face())
    for aside, recorded in ((False, 0), (True, 1), (True, 0), (False, 1), (False, 0)):
        stored, changes = await faces.set_aside(person.id, face.id, aside=aside)
        assert (stored.set_aside, len(changes)) == (aside, recorded)


async def searched(faces: Faces, *those: FaceId) -> set[FaceId]:
    """Which of these are searched: every way to ask says the same."""
    ids = await faces.ids(PACK)
    assert {face.face for face in await faces.templates(those, PACK)} == ids
    assert {face.face async for page in faces.pages(PACK, 1) for face in page} == ids
    assert await faces.standing(those) == ids
    assert (await faces.census(PACK)).faces == len(ids)
    return ids


async def test_the_same_photograph_is_kept_once(people: People, faces: Faces) -> None:
    person, _ = await people.add("Ann")
    first, made = await faces.add(person.id, new_face())
    again, nothing = await faces.add(person.id, new_face())
    assert (first.id, len(made), len(nothing)) == (again.id, 1, 0)


async def test_a_deleted_person_leaves_nothing_but_numbers(
    truth: Database, people: People, faces: Faces, changes: Changes
) -> None:
    person, _ = await people.add("Ann")
    face, _ = await faces.add(person.id, new_face())
    removed = await people.remove(person.id)
    assert [change.kind for change in removed] == [Kind.FACE_REMOVED, Kind.PERSON_REMOVED]
    assert await faces.standing([face.id]) == set()
    async with truth.connection() as connection:
        assert await connection.fetchval("select count(*) from faces") == 0
        columns = await connection.fetch(
            "select column_name from information_schema.columns"
            " where table_name = 'gallery_changes'"
        )
    assert {row["column_name"] for row in columns} == {
        "gallery",
        "number",
        "kind",
        "person",
        "face",
        "at",
    }
    assert [change.kind for change in await changes.after(0, 10)] == [
        Kind.PERSON_NAMED,
        Kind.FACE_ADDED,
        Kind.FACE_REMOVED,
        Kind.PERSON_REMOVED,
    ]


async def test_changes_have_numbers_without_a_gap_in_the_order_of_their_commits(
    people: People, faces: Faces, changes: Changes
) -> None:
    """A reader that has seen number n has seen all before it, however many write at once."""
    person, _ = await people.add("Ann")
    seen: list[int] = []

    async def read() -> None:
        while len(seen) < 61:
            batch = await changes.after(seen[-1] if seen else 0, 5)
            seen.extend(change.number for change in batch)
            await asyncio.sleep(0)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(read())
        for number in range(20):
            group.create_task(faces.add(person.id, new_face(b"%d" % number)))
        for number in range(40):
            group.create_task(people.add(f"person {number}"))
    assert seen == list(range(1, 62))
    assert (await changes.head()).number == 61


async def test_a_face_is_not_added_to_somebody_who_is_being_deleted(
    people: People, faces: Faces
) -> None:
    person, _ = await people.add("Ann")
    outcomes = await asyncio.gather(
        people.remove(person.id),
        *(faces.add(person.id, new_face(b"%d" % n)) for n in range(5)),
        return_exceptions=True,
    )
    assert not isinstance(outcomes[0], BaseException)
    assert await faces.ids(PACK) == set()


async def test_only_one_writes_an_index_at_a_time(changes: Changes) -> None:
    inside, most = 0, 0

    async def write() -> None:
        nonlocal inside, most
        async with changes.exclusive("an index"):
            inside += 1
            most = max(most, inside)
            await changes.head()
            inside -= 1

    await asyncio.gather(*(write() for _ in range(5)))
    assert (inside, most) == (0, 1)
