"""The line put together with fakes: what travels where, in which order, how often."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np
import pytest

from pipeline.align import Template
from pipeline.detect.closeup import AsDetected
from pipeline.errors import BadInput, Transient
from pipeline.extract import FeatureExtractor
from pipeline.identify import DecisionPolicy, Identifier
from pipeline.inference import Lanes
from pipeline.messages import Capture, DetectedFace, Frame, Image, Match, PersonId, Result, Status
from pipeline.recognize import Recognizer, Tracks
from pipeline.schedule import Schedule, SchedulePolicy
from pipeline.stages import Detector, Embedder
from pipeline.watch import watch
from tests.fakes import (
    UPRIGHT,
    MeanColour,
    ScriptedDetector,
    ScriptedGallery,
    black,
    capture,
    face_at,
    face_tracker,
)

POLICY = DecisionPolicy(0.9, 0.01, 0.15, 2, 5)
RHYTHM = SchedulePolicy(2, 5, 0.2, 0.5, 2.0)
ANN = [Match(PersonId("Ann"), 0.95), Match(PersonId("Bob"), 0.8)]


@pytest.fixture
def lanes() -> Lanes:
    return Lanes(2)


def recognizer(
    lanes: Lanes, detector: Detector, gallery: ScriptedGallery, embedder: Embedder | None = None
) -> Recognizer:
    template = Template(UPRIGHT * 112, (112, 112))
    extractor = FeatureExtractor(AsDetected(), template, embedder or MeanColour(), 16)
    identifier = Identifier(POLICY)
    tracks = Tracks(face_tracker(), Schedule(RHYTHM, identifier), identifier)
    return Recognizer(lanes, detector, extractor, gallery, tracks)


async def frames(count: int) -> AsyncIterator[Capture]:
    for seq in range(count):
        yield capture(seq)


def keep(seen: list[Result]) -> Callable[[Frame, Result], None]:
    return lambda _, result: seen.append(result)


async def results(one: Recognizer, count: int, window: int = 3) -> Sequence[Result]:
    seen: list[Result] = []
    await watch(frames(count), one, keep(seen), window)
    return seen


async def test_every_frame_has_its_result_in_order(lanes: Lanes) -> None:
    one = recognizer(lanes, ScriptedDetector([face_at(5, 5, 40)]), ScriptedGallery(ANN))
    seen = await results(one, 20)
    assert [result.seq for result in seen] == list(range(20))
    assert [result.captured_at for result in seen] == [n / 10 for n in range(20)]
    assert {(result.width, result.height) for result in seen} == {(64, 48)}


async def test_a_known_face_is_named_from_its_second_frame_on(lanes: Lanes) -> None:
    one = recognizer(lanes, ScriptedDetector([face_at(5, 5, 80)]), ScriptedGallery(ANN))
    verdicts = [result.faces[0].verdict for result in await results(one, 5)]
    assert [verdict.person for verdict in verdicts] == [None, "Ann", "Ann", "Ann", "Ann"]
    assert verdicts[0].status is Status.PENDING


async def test_a_known_face_is_not_embedded_in_every_frame(lanes: Lanes) -> None:
    gallery = ScriptedGallery(ANN)
    await results(recognizer(lanes, ScriptedDetector([face_at(5, 5, 80)]), gallery), 30)
    assert gallery.searches == 3  # frames 0 and 1, and once more two seconds later


async def test_a_small_face_is_reported_and_never_compared(lanes: Lanes) -> None:
    gallery = ScriptedGallery(ANN)
    one = recognizer(lanes, ScriptedDetector([face_at(5, 5, 30)]), gallery)
    verdicts = [result.faces[0].verdict for result in await results(one, 10)]
    assert {verdict.status for verdict in verdicts} == {Status.IGNORED}
    assert gallery.searches == 0


async def test_a_frame_without_faces_has_an_empty_result(lanes: Lanes) -> None:
    seen = await results(recognizer(lanes, ScriptedDetector([]), ScriptedGallery(ANN)), 3)
    assert [list(result.faces) for result in seen] == [[], [], []]


async def test_a_face_without_a_usable_vector_stays_pending(lanes: Lanes) -> None:
    class NoVector(MeanColour):
        def embed(self, chips: Sequence[Image]) -> np.ndarray:
            raise BadInput(f"{len(chips)} faces without a direction")

    one = recognizer(lanes, ScriptedDetector([face_at(5, 5, 80)]), ScriptedGallery(ANN), NoVector())
    seen = await results(one, 4)
    assert [result.faces[0].verdict.status for result in seen] == [Status.PENDING] * 4


BOB = [Match(PersonId("Bob"), 0.97), Match(PersonId("Ann"), 0.8)]


async def test_a_wrong_name_is_revised_in_the_result_that_takes_it_back(lanes: Lanes) -> None:
    seen: list[Result] = []
    gallery = ScriptedGallery(ANN, ANN, ANN, BOB)
    one = recognizer(lanes, ScriptedDetector([face_at(5, 5, 80)]), gallery)
    await watch(frames(300), one, keep(seen), window=3)
    names = [result.faces[0].verdict.person for result in seen]
    assert {"Ann", "Bob"} < set(names)
    assert list(dict.fromkeys(name for name in names if name)) == ["Ann", "Bob"]
    ((told, revision),) = ((result, revision) for result in seen for revision in result.revisions)
    assert (revision.was, revision.since.seq) == ("Ann", names.index(PersonId("Ann")))
    assert told.seq == revision.since.seq + names.count(PersonId("Ann"))


async def test_who_is_enrolled_is_looked_at_at_once(lanes: Lanes) -> None:
    """She has been unknown for long, and would be looked at only now and then."""
    seen: list[Result] = []
    gallery = ScriptedGallery([])
    one = recognizer(lanes, ScriptedDetector([face_at(5, 5, 80)]), gallery)
    await watch(frames(100), one, keep(seen), window=3)
    looked = gallery.searches
    for number in range(100, 105):
        if number == 101:
            one.renew()
        seen.append(await one.identify(await one.detect(capture(number))))
        looked_at = gallery.searches - looked
        assert (looked_at > 0) == (number > 100)


async def test_no_more_frames_are_taken_than_the_window_holds(lanes: Lanes) -> None:
    taken: list[int] = []
    held, full = asyncio.Event(), asyncio.Event()

    async def counted() -> AsyncIterator[Capture]:
        async for one in frames(20):
            taken.append(one.seq)
            if len(taken) == 3:
                full.set()
            yield one

    class Slow(ScriptedGallery):
        async def search(self, vectors: np.ndarray) -> Sequence[Sequence[Match]]:
            await held.wait()
            return await super().search(vectors)

    seen: list[Result] = []
    one = recognizer(lanes, ScriptedDetector([face_at(5, 5, 80)]), Slow(ANN))
    running = asyncio.create_task(watch(counted(), one, keep(seen), window=3))
    await full.wait()
    for _ in range(50):
        await asyncio.sleep(0)
    assert taken == [0, 1, 2]
    assert not seen
    held.set()
    await running
    assert len(seen) == 20


async def test_a_picture_becomes_an_image_once_and_in_a_lane(lanes: Lanes) -> None:
    painted: list[str] = []

    def paint() -> Image:
        painted.append(threading.current_thread().name)
        return black()

    async def captures() -> AsyncIterator[Capture]:
        for seq in range(4):
            yield capture(seq, paint)

    seen: list[Result] = []
    await watch(
        captures(), recognizer(lanes, ScriptedDetector([]), ScriptedGallery(ANN)), keep(seen), 3
    )
    assert len(painted) == len(seen) == 4
    assert all(name.startswith("lane") for name in painted)


async def test_a_detector_that_breaks_ends_the_watch_with_its_own_error(lanes: Lanes) -> None:
    class Broken:
        def detect(self, image: Image) -> Sequence[DetectedFace]:
            raise ZeroDivisionError(image.shape)

    with pytest.raises(ZeroDivisionError):
        await results(recognizer(lanes, Broken(), ScriptedGallery(ANN)), 5)


async def test_frames_that_break_off_end_the_watch_after_their_results(lanes: Lanes) -> None:
    async def broken() -> AsyncIterator[Capture]:
        async for one in frames(4):
            yield one
        raise Transient("the camera went away")

    seen: list[Result] = []
    one = recognizer(lanes, ScriptedDetector([]), ScriptedGallery(ANN))
    with pytest.raises(Transient, match="went away"):
        await watch(broken(), one, keep(seen), window=1)
    assert [result.seq for result in seen] == [0, 1, 2, 3]


async def test_a_gallery_that_is_away_names_nobody_and_stops_nothing(lanes: Lanes) -> None:
    class Away(ScriptedGallery):
        async def search(self, vectors: np.ndarray) -> Sequence[Sequence[Match]]:
            raise Transient(f"no answer for {len(vectors)}")

    one = recognizer(lanes, ScriptedDetector([face_at(5, 5, 80)]), Away(ANN))
    seen = await results(one, 10)
    assert [result.faces[0].verdict.status for result in seen] == [Status.PENDING] * 10


async def test_a_person_who_is_retracted_is_looked_for_anew(lanes: Lanes) -> None:
    gallery = ScriptedGallery(*[ANN] * 2, [])
    one = recognizer(lanes, ScriptedDetector([face_at(5, 5, 80)]), gallery)
    statuses = []
    for result_of in range(5):
        if result_of == 3:
            one.retract(PersonId("Ann"))
        result = await one.identify(await one.detect(capture(result_of)))
        statuses.append(result.faces[0].verdict.status)
    assert statuses[2] is Status.KNOWN
    assert statuses[3:] == [Status.UNKNOWN] * 2
    assert gallery.searches > 2
