"""Ids and names of real people who cross, hide and change places."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

import pytest

from api.settings.settings import load_settings
from pipeline.build import Pipeline, build, open_configured_pack
from pipeline.enroll import enroll_folder
from pipeline.gallery.exact import ExactGallery
from pipeline.messages import Image, PersonId, TrackId
from tests.system.composites import Scene, Where, cut_out, film

pytestmark = pytest.mark.system


@dataclass(frozen=True, slots=True)
class Seen:
    """A face: when, whose it is, of which track, and the name it bears."""

    at: float
    who: str
    track: TrackId
    name: PersonId | None


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A pack's line, with a gallery of A, B and six others, and whoever can be filmed."""

    engine: Pipeline
    gallery: ExactGallery
    patches: Mapping[str, Sequence[Image]]

    async def watch(
        self, scene: Scene, seconds: float, cut_at: float | None = None
    ) -> Sequence[Seen]:
        """Every face of a scene, as one camera's line tells of it."""
        recognizer, seen = self.engine.recognizer(self.gallery), list[Seen]()
        for shot in film(self.patches, scene, seconds, cut_at):
            result = await recognizer.identify(await recognizer.detect(shot.capture))
            for one in result.faces:
                who = shot.who(one.face.found.box)
                seen.append(Seen(result.captured_at, who, one.face.track, one.verdict.person))
        return seen


@pytest.fixture(scope="session")
def line(
    test_data: Path, gallery: Path, yunet_dlib: Path, cache: Path
) -> Iterator[Callable[[str], Line]]:
    """The line of a pack by its name, made once."""
    patches = cut_out(test_data)
    with ExitStack() as opened:

        @once
        def make(pack: str) -> Line:
            chosen = yunet_dlib if pack == "yunet-dlib" else pack
            settings = load_settings(overrides=[f"model.pack={chosen}"])
            engine = build(settings, open_configured_pack(settings.model, cache, lambda *_: None))
            opened.callback(engine.close)
            enrolled = ExactGallery(engine.pack.manifest.embedder.dimension)
            asyncio.run(enroll_folder(gallery, engine.enroller(), enrolled, lambda _: None))
            return Line(engine, enrolled, patches)

        yield make


@pytest.fixture(params=["yunet-dlib"])
def filmed(request: pytest.FixtureRequest, line: Callable[[str], Line]) -> Line:
    """The line that watches the scene."""
    return line(request.param)


both_packs = pytest.mark.parametrize("filmed", ["builtin", "yunet-dlib"], indirect=True)


def along(one: float, other: float, begin: float, end: float, now: float) -> float:
    """Where somebody is who goes from one place to another between two moments."""
    return one + (other - one) * min(max((now - begin) / (end - begin), 0), 1)


def assert_right(seen: Sequence[Seen], people: str, one_id: str) -> None:
    """No id and no name is of two people; those of ``one_id`` keep theirs, A and B are named."""
    tracks, names = defaultdict[str, set[TrackId]](set), defaultdict[str, set[str | None]](set)
    for face in seen:
        tracks[face.who].add(face.track)
        names[face.who].add(face.name)
    assert set(tracks) == set(people)
    assert sum(map(len, tracks.values())) == len(set().union(*tracks.values()))
    assert {who: len(tracks[who]) for who in one_id} == dict.fromkeys(one_id, 1)
    for who in people:
        assert names[who] <= {who, None}
        assert (who in names[who]) == (who in "AB")


def named(seen: Sequence[Seen], who: str, begin: float, end: float) -> float:
    """In which part of somebody's faces between two moments she has her name."""
    faces = [face for face in seen if face.who == who and begin <= face.at < end]
    assert len(faces) > 5
    return sum(face.name == who for face in faces) / len(faces)


async def test_side_by_side_over_the_ends_of_looped_films(filmed: Line) -> None:
    def scene(_: float) -> Sequence[Where]:
        return [("A", 0.25, 0.5), ("B", 0.75, 0.5)]

    seen = await filmed.watch(scene, 6)
    assert_right(seen, "AB", one_id="AB")
    assert named(seen, "A", 0.5, 6) > 0.97
    assert named(seen, "B", 0.5, 6) == 1


@both_packs
async def test_one_crosses_before_the_other(filmed: Line) -> None:
    def scene(now: float) -> Sequence[Where]:
        return [
            ("A", along(0.8, 0.2, 1, 2.6, now), 0.45),
            ("B", along(0.2, 0.8, 1, 2.6, now), 0.55),
        ]

    seen = await filmed.watch(scene, 3.6)
    assert_right(seen, "AB", one_id="AB")
    assert named(seen, "A", 2.4, 4) > 0.9
    assert named(seen, "B", 1, 4) == 1


async def test_two_meet_one_steps_before_the_other_and_both_turn_back(filmed: Line) -> None:
    def scene(now: float) -> Sequence[Where]:
        way = along(0, 0.25, 0.8, 1.8, now) - along(0, 0.25, 2.2, 3.2, now)
        return [("A", 0.75 - way, 0.5), ("B", 0.25 + way, 0.5)]

    seen = await filmed.watch(scene, 3.6)
    assert_right(seen, "AB", one_id="AB")
    assert named(seen, "B", 0.5, 4) == 1


@pytest.mark.parametrize("back", [(0.25, 0.5), (0.5, 0.4)], ids=["there", "elsewhere"])
async def test_hidden_for_two_seconds(filmed: Line, back: tuple[float, float]) -> None:
    def scene(now: float) -> Sequence[Where]:
        hers = [("A", 0.25, 0.5)] if now < 1 else [("A", *back)] if now >= 3 else []
        return [*hers, ("B", 0.82, 0.5)]

    seen = await filmed.watch(scene, 4.2)
    assert_right(seen, "AB", one_id="AB")
    assert named(seen, "A", 3, 5) == 1
    assert named(seen, "B", 0.5, 5) == 1


@both_packs
async def test_places_changed_in_a_cut(filmed: Line) -> None:
    def scene(now: float) -> Sequence[Where]:
        left, right = ("A", "B") if now < 1.2 else ("B", "A")
        return [(left, 0.25, 0.5), (right, 0.75, 0.5)]

    seen = await filmed.watch(scene, 2.4, cut_at=1.2)
    assert_right(seen, "AB", one_id="AB")
    assert named(seen, "A", 1.2, 3) == 1
    assert named(seen, "B", 1.2, 3) == 1


async def test_places_changed_in_a_cut_of_the_same_room(filmed: Line) -> None:
    def scene(now: float) -> Sequence[Where]:
        left, right = ("C", "B") if now < 1.2 else ("B", "C")
        return [(left, 0.25, 0.5), (right, 0.75, 0.5)]

    seen = await filmed.watch(scene, 2.4)
    assert_right(seen, "BC", one_id="B")
    assert named(seen, "B", 1.2, 3) == 1


@pytest.mark.parametrize("gap", [0, 0.5, 2])
async def test_a_stranger_in_somebodys_place_has_an_id_of_his_own(filmed: Line, gap: float) -> None:
    def scene(now: float) -> Sequence[Where]:
        left = [("A", 0.25, 0.5)] if now < 1 else [("C", 0.25, 0.5)] if now >= 1 + gap else []
        return [*left, ("B", 0.75, 0.5)]

    seen = await filmed.watch(scene, 2 + gap)
    assert_right(seen, "ABC", one_id="AB")
