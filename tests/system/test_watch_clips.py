"""Real people, real program: who is named where, on the clips and through an RTSP server."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.system.clips import (
    CHECKS,
    Message,
    assert_couple,
    assert_no_face,
    assert_pause,
    assert_unnamed,
)

pytestmark = pytest.mark.system


def watched(source: str, gallery: Path, pack: str, *more: str) -> Sequence[Message]:
    """The messages of one ``faceapi watch``."""
    command = [sys.executable, "-m", "api.command.cli", "watch", source, "--json", *more]
    command += ["--gallery", str(gallery), "--pack", pack]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert messages[-1]["type"] == "summary"
    assert messages[-1]["frames"] == len(messages) - 1 > 0
    return messages


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


def test_the_names_are_the_same_through_an_rtsp_server(
    test_data: Path, gallery: Path, pack: str, gst_camera: Callable[[Path], str]
) -> None:
    clip = "face-demographics-walking-and-pause"
    url = gst_camera(test_data / "clips" / f"{clip}.mp4")
    frames = watched(url, gallery, pack, "--max-seconds", "8")[:-1]
    assert len(frames) >= 40
    CHECKS[clip](frames)


def test_the_names_are_the_same_where_what_is_asked_at_once_is_one_run(
    test_data: Path, gallery: Path, yunet_dlib: Path
) -> None:
    """As on a GPU: lanes wait, their pictures and faces share runs of the networks."""
    clip = "face-demographics-walking-and-pause"
    more = ("--set", "inference.batch=4", "--set", "inference.lanes=8")
    source = str(test_data / "clips" / f"{clip}.mp4")
    frames = watched(source, gallery, str(yunet_dlib), *more)[:-1]
    assert len(frames) == 41
    CHECKS[clip](frames)
