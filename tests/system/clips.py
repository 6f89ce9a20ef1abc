"""Real people on clips, and who has to be named where.

Faces are told apart by their place in the picture, never by what is claimed.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import cv2

Message = Mapping[str, Any]
Places = Mapping[str, tuple[float, float]]
"""From which x to which the middle of somebody's face lies, in pixels of the clip."""

PAUSE: Places = {"A": (0, 384), "C": (384, 576), "D": (576, 960)}
COUPLE: Places = {"A": (0, 480), "B": (480, 960)}


def make_gallery(test_data: Path, folder: Path) -> Path:
    """One photograph each of A and B, frames of their own clips, and six people of no clip."""
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
    assert sum(face["name"] == "A" for face in a) >= 0.8 * len(frames)
    for stranger in (c, d):
        assert len(stranger) >= 0.8 * len(frames)
        assert {face["status"] for face in stranger} == {"unknown"}


def assert_couple(frames: Sequence[Message]) -> None:
    """A at the left and B at the right are each named in at least 80 % of the frames."""
    for who in "AB":
        faces = standing_at(frames, COUPLE, who)
        assert sum(face["name"] == who for face in faces) >= 0.8 * len(frames)
        assert {face["name"] for face in faces} <= {who, None}


def assert_no_face(frames: Sequence[Message]) -> None:
    assert [frame["faces"] for frame in frames] == [[]] * len(frames)


def assert_unnamed(frames: Sequence[Message]) -> None:
    """Faces are seen, and nobody has a name."""
    assert sum(len(frame["faces"]) for frame in frames) >= len(frames)
    assert {face["name"] for frame in frames for face in frame["faces"]} == {None}


CHECKS: Mapping[str, Callable[[Sequence[Message]], None]] = {
    "face-demographics-walking-and-pause": assert_pause,
    "head-pose-face-detection-female-and-male": assert_couple,
    "people-detection": assert_no_face,
    "classroom": assert_unnamed,
    "face-demographics-walking": assert_unnamed,
}
"""What has to hold for the frames of each clip."""
