"""Real faces over a minute: who is believed to be there, and what becomes of a wrong name."""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from api.live.presence import Presences
from api.live.seen import seen
from api.live.wire import LiveMessage, PresenceMessage, frame_message, revision_messages
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.enroll import enroll_folder
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import Image, PersonId, Result, Status
from pipeline.settings import ModelSettings, PipelineSettings
from tests.system.films import RATE, pictures_of, remembering, results_of

pytestmark = pytest.mark.system

MINUTE = round(60 * RATE)
A, B = PersonId("A"), PersonId("B")


@contextlib.contextmanager
def opened(pack: str, cache: Path, threshold: float | None = None) -> Iterator[Pipeline]:
    settings = PipelineSettings(model=ModelSettings(pack=pack, threshold=threshold))
    engine = build(settings, open_configured_pack(settings.model, cache, lambda *_: None))
    with contextlib.closing(engine):
        yield remembering(engine)


async def enrolled(folder: Path, engine: Pipeline) -> ExactGallery:
    gallery = ExactGallery(engine.pack.manifest.embedder.dimension)
    await enroll_folder(folder, engine.enroller(), gallery, lambda _: None)
    return gallery


@pytest.fixture(params=[pytest.param("builtin", marks=pytest.mark.long), "yunet-dlib"])
def engine(request: pytest.FixtureRequest, yunet_dlib: Path, cache: Path) -> Iterator[Pipeline]:
    with opened("builtin" if request.param == "builtin" else str(yunet_dlib), cache) as one:
        yield one


@dataclass
class Consumer:
    """Somebody who hears what the service tells, and believes it."""

    present: set[str] = field(default_factory=set)
    exits: list[PresenceMessage] = field(default_factory=list)

    def hear(self, message: PresenceMessage) -> None:
        assert message.person is not None
        if message.change == "entered":
            self.present.add(message.person)
        else:
            self.present.discard(message.person)
            self.exits.append(message)


def believed(results: Sequence[Result]) -> tuple[Sequence[frozenset[str]], Consumer]:
    """Who is believed to be there when each frame has been told, and who believes it."""
    now = 0.0
    presences, consumer, there = Presences(5.0, lambda: now), Consumer(), list[frozenset[str]]()
    for result in results:
        now, told = result.captured_at, seen(result)
        messages: Sequence[LiveMessage] = [*revision_messages(told, str), frame_message(told, str)]
        for message in messages:
            for change in presences.after(message):
                consumer.hear(change)
        there.append(frozenset(consumer.present))
    return there, consumer


@pytest.mark.parametrize(
    ("clip", "people"),
    [
        ("head-pose-face-detection-female", {A}),
        ("head-pose-face-detection-male", {B}),
        ("head-pose-face-detection-female-and-male", {A, B}),
        ("face-demographics-walking-and-pause", {A}),
        ("face-demographics-walking", set[PersonId]()),
        ("classroom", set[PersonId]()),
    ],
)
async def test_whoever_is_there_for_a_minute_is_believed_to_be_there_all_the_time(
    test_data: Path, gallery: Path, engine: Pipeline, clip: str, people: set[PersonId]
) -> None:
    pictures = pictures_of(test_data / "clips" / f"{clip}.mp4")
    film = [pictures[number % len(pictures)] for number in range(MINUTE)]
    results = await results_of(film, engine, await enrolled(gallery, engine))
    there, consumer = believed(results)
    assert len(there) == MINUTE
    for person in people:
        assert sum(person in one for one in there) >= 0.98 * MINUTE
    assert frozenset[str]().union(*there) == people
    assert consumer.exits == []
    assert all(not result.revisions for result in results)


async def test_two_people_enrolled_with_one_photograph_are_named_by_nothing(
    test_data: Path, gallery: Path, yunet_dlib: Path, cache: Path, tmp_path: Path
) -> None:
    shutil.copytree(gallery, tmp_path / "people")
    shutil.copytree(gallery / "A", tmp_path / "people" / "A again")
    pictures = pictures_of(test_data / "clips" / "head-pose-face-detection-female-and-male.mp4")
    with opened(str(yunet_dlib), cache) as engine:
        results = await results_of(pictures, engine, await enrolled(tmp_path / "people", engine))
    names = [{face.verdict.person for face in result.faces} for result in results]
    assert set[PersonId | None]().union(*names) == {B, None}
    assert sum(B in one for one in names) >= 0.9 * len(names)


def shaken(picture: Image) -> Image:
    """As a camera shows it that is hit: blurred up and down."""
    return np.asarray(cv2.blur(picture, (1, 9)), np.uint8)


async def test_a_name_by_a_poor_first_face_is_revised_by_better_ones(
    test_data: Path, gallery: Path, yunet_dlib: Path, cache: Path
) -> None:
    """A stranger in the middle of the clip, and a threshold that is too low for a shaken camera."""
    whole = pictures_of(test_data / "clips" / "face-demographics-walking-and-pause.mp4")
    pictures = [np.ascontiguousarray(one[:, 384:600]) for one in whole]
    film = [*map(shaken, pictures[:5]), *pictures[5:], *pictures * 8]
    with opened(str(yunet_dlib), cache, threshold=0.903) as engine:
        results = await results_of(film, engine, await enrolled(gallery, engine))
    names = [[face.verdict.person for face in one.faces] for one in results]
    first = names.index([B])
    (revision,) = (one for result in results for one in result.revisions)
    assert (revision.was, revision.verdict.status) == (B, Status.UNKNOWN)
    assert revision.since.seq == first < 5
    told = next(seq for seq, result in enumerate(results) if result.revisions)
    assert {name for one in names[told:] for name in one} == {None}
    there, consumer = believed(results)
    assert [one.change for one in consumer.exits] == ["retracted"]
    assert [bool(one) for one in there] == [first <= seq < told for seq in range(len(there))]
