"""Real people, real program: who is named where, on the clips and through an RTSP server.

The gallery holds one photograph each of A and B, frames of their own clips, and six people who are
in none of the clips. Faces are told apart by their place in the picture, never by what is claimed.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import pytest

Message = Mapping[str, Any]
Places = Mapping[str, tuple[float, float]]
"""From which x to which the middle of somebody's face lies, in pixels of the clip."""

PAUSE: Places = {"A": (0, 384), "C": (384, 576), "D": (576, 960)}
COUPLE: Places = {"A": (0, 480), "B": (480, 960)}

pytestmark = pytest.mark.system


@pytest.fixture(scope="session")
def gallery(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery")
    for name, clip in (("A", "female"), ("B", "male")):
        (folder / name).mkdir()
        source = test_data / "clips" / f"head-pose-face-detection-{clip}.mp4"
        with av.open(str(source)) as container:
            first = next(container.decode(video=0)).to_ndarray(format="bgr24")
        cv2.imwrite(str(folder / name / "frame.png"), first)
    for person in sorted((test_data / "faces").iterdir()):
        if person.name != "groups":
            shutil.copytree(person, folder / person.name)
    assert len(list(folder.iterdir())) == 8
    return folder


@pytest.fixture(scope="session", params=["builtin", "yunet-dlib"])
def pack(request: pytest.FixtureRequest, yunet_dlib: Path) -> str:
    return "builtin" if request.param == "builtin" else str(yunet_dlib)


def watched(source: str, gallery: Path, pack: str, *more: str) -> Sequence[Message]:
    """The messages of one ``faceapi watch``."""
    command = [sys.executable, "-m", "api.cli", "watch", source, "--json", *more]
    command += ["--gallery", str(gallery), "--pack", pack]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert messages[-1]["type"] == "summary"
    assert messages[-1]["frames"] == len(messages) - 1 > 0
    return messages


def standing_at(frames: Sequence[Message], places: Places, who: str) -> Sequence[Message]:
    """The faces seen in somebody's place."""
    left, right = places[who]
    return [
        face
        for frame in frames
        for face in frame["faces"]
        if left <= face["box"][0] + face["box"][2] / 2 < right
    ]


def assert_pause(frames: Sequence[Message]) -> None:
    """A is named in at least 80 % of the frames; the two others are unknown in all."""
    a, c, d = (standing_at(frames, PAUSE, who) for who in "ACD")
    assert sum(face["person"] == "A" for face in a) >= 0.8 * len(frames)
    for stranger in (c, d):
        assert len(stranger) >= 0.8 * len(frames)
        assert {face["status"] for face in stranger} == {"unknown"}


def assert_couple(frames: Sequence[Message]) -> None:
    """A at the left and B at the right are each named in at least 80 % of the frames."""
    for who in "AB":
        faces = standing_at(frames, COUPLE, who)
        assert sum(face["person"] == who for face in faces) >= 0.8 * len(frames)
        assert {face["person"] for face in faces} <= {who, None}


def assert_no_face(frames: Sequence[Message]) -> None:
    assert [frame["faces"] for frame in frames] == [[]] * len(frames)


def assert_unnamed(frames: Sequence[Message]) -> None:
    """Faces are seen, and nobody has a name."""
    assert sum(len(frame["faces"]) for frame in frames) >= len(frames)
    assert {face["person"] for frame in frames for face in frame["faces"]} == {None}


@pytest.fixture(scope="session")
def watch_clip(test_data: Path, gallery: Path, pack: str) -> Callable[[str], Sequence[Message]]:
    def watch(name: str) -> Sequence[Message]:
        return watched(str(test_data / "clips" / f"{name}.mp4"), gallery, pack)[:-1]

    return watch


def test_one_known_face_among_strangers(watch_clip: Callable[[str], Sequence[Message]]) -> None:
    frames = watch_clip("face-demographics-walking-and-pause")
    assert len(frames) == 41
    assert_pause(frames)


def test_two_known_people_with_tilted_heads(
    watch_clip: Callable[[str], Sequence[Message]],
) -> None:
    frames = watch_clip("head-pose-face-detection-female-and-male")
    assert len(frames) == 56
    assert_couple(frames)


def test_no_face_is_reported_where_none_is(
    watch_clip: Callable[[str], Sequence[Message]],
) -> None:
    frames = watch_clip("people-detection")
    assert len(frames) == 23
    assert_no_face(frames)


@pytest.mark.parametrize(("clip", "count"), [("classroom", 45), ("face-demographics-walking", 35)])
def test_nobody_is_named_among_strangers(
    watch_clip: Callable[[str], Sequence[Message]], clip: str, count: int
) -> None:
    frames = watch_clip(clip)
    assert len(frames) == count
    assert_unnamed(frames)


@pytest.mark.parametrize(
    ("clip", "check"),
    [
        ("face-demographics-walking-and-pause", assert_pause),
        ("head-pose-face-detection-female-and-male", assert_couple),
        ("people-detection", assert_no_face),
        ("classroom", assert_unnamed),
        ("face-demographics-walking", assert_unnamed),
    ],
)
def test_the_names_are_the_same_through_an_rtsp_server(
    *,
    test_data: Path,
    gallery: Path,
    pack: str,
    gst_camera: Callable[[Path], str],
    clip: str,
    check: Callable[[Sequence[Message]], None],
) -> None:
    url = gst_camera(test_data / "clips" / f"{clip}.mp4")
    frames = watched(url, gallery, pack, "--max-seconds", "8")[:-1]
    assert len(frames) >= 40
    check(frames)
