"""The evaluation as a person runs it, on real photographs and films."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from api.command.film import COLLINS, HOPPER, portrait
from ingest.virtual.clip import write_clip
from pipeline.photographs import read_photograph

pytestmark = pytest.mark.system

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def evaluate(cache: Path) -> Run:
    def run(*args: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        own = {"FACEAPI_CACHE_DIR": str(cache), "COLUMNS": "300", **environ}
        done = subprocess.run(
            [sys.executable, "-m", "api", "evaluate", *map(str, args)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, **own},
        )
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def people(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people of whom each photograph has one face."""
    folder = tmp_path_factory.mktemp("evaluate") / "people"
    shutil.copytree(test_data / "faces", folder, ignore=shutil.ignore_patterns("groups"))
    return folder


def read(done: subprocess.CompletedProcess[str]) -> Any:  # noqa: ANN401 - JSON
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_people_are_told_apart_at_the_threshold_of_the_pack(
    evaluate: Run, people: Path, tmp_path: Path
) -> None:
    found = read(evaluate("--people", people, "--json", "--plots", tmp_path / "plots"))
    assert (found["pack"], found["people"], found["photographs"]) == ("builtin", 6, 12)
    verification = found["verification"]
    at = verification["at_threshold"]
    assert (at["fmr"]["events"], at["fmr"]["trials"]) == (0, 57)
    assert (at["fnmr"]["events"], at["fnmr"]["trials"]) == (0, 9)
    assert verification["accuracy_at_threshold"] == 1
    assert not any(one["enough"] for one in verification["tar_at_far"] if one["far"] < 0.01)
    first = found["identification"][0]
    assert (first["fpir"]["events"], first["fpir"]["trials"], first["enrolled"]) == (0, 12, 6)
    for name in ("roc.png", "det.png"):
        assert read_photograph(tmp_path / "plots" / name).std() > 10


def test_pairs_are_decided_one_by_one_and_what_cannot_be_is_counted_or_named(
    evaluate: Run, people: Path, test_data: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    shutil.copytree(people, images)
    shutil.copy(test_data / "faces" / "groups" / "obama_and_biden.jpg", images)
    (images / "broken.jpg").write_bytes(b"no picture")
    rows = [
        ("photo 1", "photo 2", "same"),
        ("obama/1.jpg", "obama/2.jpg", "Yes"),
        ("obama/1.jpg", "biden/1.jpg", "No"),
        ("broken.jpg", "obama/1.jpg", "Yes"),
        ("biden/2.jpg", "obama_and_biden.jpg", "No"),
        ("obama/1.jpg", "gone.jpg", "Yes"),
        ("obama/1.jpg", "obama/3.jpg", "perhaps"),
    ]
    with (tmp_path / "pairs.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    asked = ("--pairs", tmp_path / "pairs.csv", "--images", images)
    found = read(evaluate(*asked, "--json"))
    assert [pair["decision"] for pair in found["pairs"]] == ["Yes", "No", None, None]
    assert found["pairs"][0]["similarity"] > 0.93 > found["pairs"][1]["similarity"]
    assert [row["line"] for row in found["bad_rows"]] == [6, 7]
    assert [one["file"] for one in found["failures"]] == ["broken.jpg", "obama_and_biden.jpg"]
    assert "faces are in it" in found["failures"][1]["reason"]
    enroll, acquire = found["failure_to_enroll"], found["failure_to_acquire"]
    assert (enroll["events"], enroll["trials"]) == (1, 3)
    assert (acquire["events"], acquire["trials"]) == (1, 4)
    assert found["verification"]["accuracy"]["trials"] == 2
    assert (found["false_rejects"]["events"], found["false_rejects"]["trials"]) == (1, 2)


@pytest.mark.parametrize(
    "built_in", [pytest.param(True, marks=pytest.mark.long), False], ids=["builtin", "yunet-dlib"]
)
def test_clips_with_a_truth_are_watched_by_the_line_of_the_cameras(
    evaluate: Run, people: Path, test_data: Path, yunet_dlib: Path, *, built_in: bool
) -> None:
    truth, pack = test_data / "clips" / "clips.json", "builtin" if built_in else yunet_dlib
    done = evaluate("--clips", truth, "--gallery", people, "--pack", pack, "--json")
    found = read(done)
    assert found["notes"] == []
    assert (found["gallery"]["A"], found["gallery"]["B"], len(found["gallery"])) == (1, 1, 8)
    assert [clip["enrolled_from"] for clip in found["clips"]] == [True, True, *[False] * 5]
    assert [clip["false_names"]["events"] for clip in found["clips"]] == [0] * 7
    presences = [one for clip in found["clips"] for one in clip["presences"]]
    assert len(presences) == 5
    assert all(one["right"]["rate"] >= 0.9 for one in presences)
    totals = found["totals"]
    assert totals["false_names"]["trials"] > 400
    assert totals["right"]["trials"] == 56 + 56 + 41
    assert totals["precision"]["rate"] == totals["recall"]["rate"] == 1
    assert (totals["mixed"], totals["revisions"], totals["flips"]) == (0, 0, 0)
    assert totals["longest_time_to_name"] < 0.5


def test_whoever_is_alone_on_a_film_is_enrolled_from_it_and_named_on_others_by_her_place(
    evaluate: Run, tmp_path: Path
) -> None:
    hopper, collins = (
        np.asarray(cv2.resize(read_photograph(portrait(name)), (400, 480)), np.uint8)
        for name in (HOPPER, COLLINS)
    )
    write_clip(tmp_path / "alone.mp4", [hopper] * 5, 10)
    write_clip(tmp_path / "both.mp4", [np.hstack([hopper, collins])] * 12, 10)
    write_clip(tmp_path / "empty.mp4", [np.full_like(hopper, 90)] * 3, 10)
    truth = {
        "alone": {"people": {"Grace": "an officer"}, "frames": 6},
        "both": {"people": {"Grace": "left", "Eileen": "right, in orange"}},
        "empty": {"people": {"Ghost": "never seen"}},
    }
    (tmp_path / "truth.json").write_text(json.dumps({"clips": truth}))
    found = read(evaluate("--clips", tmp_path / "truth.json", "--json"))
    assert found["gallery"] == {"Grace": 1}
    assert found["notes"] == [
        "empty: no frame of it can be enrolled as Ghost",
        "alone: it has 5 frames, the truth says 6",
    ]
    alone, both, empty = found["clips"]
    assert [one["enrolled_from"] for one in (alone, both, empty)] == [True, False, False]
    assert (empty["frames"], empty["tracks"], empty["presences"]) == (3, [], [])
    assert both["false_names"] == {**both["false_names"], "events": 0, "trials": 24}
    (presence,) = both["presences"]
    assert (presence["right"]["events"], presence["right"]["trials"]) == (10, 12)
    tracks = {track["person"]: track for track in both["tracks"]}
    assert (tracks["Grace"]["name"], tracks["Grace"]["time_to_name"]) == ("Grace", 0.2)
    assert (tracks["Eileen"]["name"], tracks["Eileen"]["flips"]) == (None, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "one of --people"),
        (("--people", "x", "--clips", "y"), "one of --people"),
        (("--pairs", "x"), "--images DIR go together"),
        (("--people", "x", "--images", "y"), "--images DIR go together"),
        (("--people", "x", "--gallery", "y"), "--gallery DIR is for --clips"),
        (("--clips", "x", "--plots", "y"), "clips have no curve"),
        (("--people", "nowhere"), "nowhere: no such folder"),
        (("--clips", "nowhere.json"), "nowhere.json: it cannot be read"),
        (("--people", "x", "--plots", "/proc/plots"), "/proc/plots: it cannot be made"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    evaluate: Run, options: tuple[str, ...], said: str
) -> None:
    done = evaluate(*options)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def test_without_what_draws_a_curve_it_is_said_what_to_install(
    evaluate: Run, tmp_path: Path
) -> None:
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = evaluate("--people", tmp_path, "--plots", tmp_path / "plots", PYTHONPATH=path)
    assert done.returncode == 1
    assert "pip install 'faceapi[plots]'" in done.stderr
    assert not (tmp_path / "plots").exists()
