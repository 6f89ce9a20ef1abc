"""People come into the gallery and leave it: the truth first, then everyone who follows it."""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from api.gallery.directory import Directory
from api.gallery.notifier import ChangeNotifier
from api.store.faces import Faces
from api.store.messages import Change, NewFace, Person, StoredFace
from api.store.people import People
from pipeline.counterexamples import believable
from pipeline.enroll import Enroller, Portrait
from pipeline.errors import BadInput
from pipeline.inference import Lanes
from pipeline.jpeg import jpeg
from pipeline.messages import FaceId, Match, PackId, PersonId
from pipeline.stages import Gallery

_QUALITY = 90
"""Of a crop's JPEG."""


class Duplicate(BadInput):
    """This face is enrolled already.

    ``match`` is the other person it looks like, None if it is the same photograph again.
    """

    def __init__(self, message: str, match: Match | None) -> None:
        super().__init__(message)
        self.match = match


@dataclass(frozen=True, slots=True)
class EnrollmentPolicy:
    """What enrollment lets pass.

    ``threshold`` is the similarity from which a face is somebody else's; ``duplicates`` whether
    it is enrolled all the same.
    """

    pack: PackId
    threshold: float
    duplicates: bool


class Enrollment:
    """Whatever changes the gallery goes through here.

    Every change is committed to the truth before it is answered. What is deleted is out of the
    running program before the answer, too; what is added is searchable very soon after it.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - it joins them
        self,
        people: People,
        faces: Faces,
        directory: Directory,
        notifier: ChangeNotifier,
        enroller: Enroller,
        lanes: Lanes,
        gallery: Gallery,
        policy: EnrollmentPolicy,
        gone: Callable[[Collection[PersonId], int], Awaitable[None]],
    ) -> None:
        self._people = people
        self._faces = faces
        self._directory = directory
        self._notifier = notifier
        self._enroller = enroller
        self._lanes = lanes
        self._gallery = gallery
        self._policy = policy
        self._gone = gone

    async def add_person(self, name: str) -> Person:
        """Make a person without a face."""
        person, _ = await self._people.add(name)
        self._directory.named(person.id, name)
        return person

    async def rename(self, person: PersonId, name: str) -> Person:
        """Give a person another name.

        Raises:
            NotFound: nobody has this id.
        """
        renamed, _ = await self._people.rename(person, name)
        self._directory.named(person, name)
        return renamed

    async def ignore(self, person: PersonId, *, ignored: bool) -> Person:
        """Tell nobody of a person from now on, or tell again.

        Raises:
            NotFound: nobody has this id.
        """
        found, _ = await self._people.ignore(person, ignored=ignored)
        self._directory.ignored(person, ignored=ignored)
        return found

    async def remove_person(self, person: PersonId) -> None:
        """Delete a person with all faces.

        Raises:
            NotFound: nobody has this id.
        """
        await self._removed(await self._people.remove(person))

    async def remove_face(self, person: PersonId, face: FaceId) -> None:
        """Delete one face.

        Raises:
            NotFound: the person has no such face.
        """
        await self._removed(await self._faces.remove(person, face))

    async def set_aside(self, person: PersonId, face: FaceId, *, aside: bool) -> StoredFace:
        """Recognize nobody by a face any more, or again; it is kept.

        Raises:
            NotFound: the person has no such face.
        """
        stored, changes = await self._faces.set_aside(person, face, aside=aside)
        if aside and changes:
            await self._removed(changes)
        else:
            self._notifier.notify()
        return stored

    async def enroll(self, person: PersonId, photograph: bytes) -> StoredFace:
        """Keep the one face of a photograph.

        Raises:
            BadInput: it cannot be used; the text says why, and what is allowed.
            Duplicate: it is enrolled already, and duplicates do not pass.
            NotFound: nobody has this id.
            Transient: the database is away; nothing was enrolled.
        """
        await self._people.get(person)
        portrait = await self._enroller.portrait(await self._enroller.read(photograph))
        if not self._policy.duplicates:
            await self._refuse_lookalike(person, portrait)
        face, changes = await self._faces.add(person, await self._new(portrait, photograph))
        if face.set_aside:
            raise Duplicate("this photograph is enrolled already and set aside: take it back", None)
        if not changes and not self._policy.duplicates:
            raise Duplicate("this photograph of the same person is enrolled already", None)
        self._notifier.notify()
        return face

    async def add_counterexample(self, person: PersonId, photograph: bytes) -> StoredFace:
        """Keep the one face of a photograph as that of somebody who is not this person.

        Raises:
            BadInput: it cannot be used, or is enrolled as her own; the text says why.
            NotFound: nobody has this id.
            Transient: the database is away; nothing was kept.
        """
        portrait = await self._enroller.portrait(await self._enroller.read(photograph))
        new = replace(await self._new(portrait, photograph), counter=True)
        face, _ = await self._faces.add(person, new)
        self._notifier.notify()
        return face

    async def similarity(self, first: bytes, second: bytes) -> float:
        """How much the faces of two photographs resemble each other: the cosine.

        Raises:
            BadInput: one of them cannot be used; the text says which and why.
        """
        portraits = []
        for which, data in (("first", first), ("second", second)):
            try:
                picture = await self._enroller.read(data)
                portraits.append(await self._enroller.portrait(picture))
            except BadInput as error:
                raise BadInput(f"the {which} photograph: {error}") from error
        return float(np.dot(portraits[0].template, portraits[1].template))

    async def _refuse_lookalike(self, person: PersonId, portrait: Portrait) -> None:
        (matches,) = await self._gallery.search(portrait.template[None])
        for match in believable(matches):
            if match.person != person and match.similarity >= self._policy.threshold:
                name = self._directory.name(match.person)
                raise Duplicate(
                    f"this face is enrolled already, as {name or 'somebody else'} "
                    f"(similarity {match.similarity:.3f}, from {self._policy.threshold:g} on it "
                    "counts as the same; ALLOW_FACE_DEDUPLICATION=true lets it pass)",
                    match,
                )

    async def _new(self, portrait: Portrait, photograph: bytes) -> NewFace:
        height, width = portrait.crop.shape[:2]
        return NewFace(
            pack=self._policy.pack,
            template=portrait.template,
            crop=await self._lanes.run(jpeg, portrait.crop, _QUALITY),
            width=width,
            height=height,
            photograph=hashlib.sha256(photograph).digest(),
        )

    async def _removed(self, changes: Sequence[Change]) -> None:
        self._directory.removed(changes)
        self._notifier.notify()
        await self._gone({change.person for change in changes}, changes[-1].number)
