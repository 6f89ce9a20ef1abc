"""The command as a person meets it: what it says to good input and to nonsense."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from api.command.film import COLLINS, HOPPER, RATE, pictures, portrait
from ingest.virtual.clip import write_clip
from pipeline.photographs import read_photograph

pytestmark = pytest.mark.system


def faceapi(*args: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.command.cli", *map(str, args)]
    more = {"COLUMNS": "300", "FACEAPI_CACHE_DIR": environ.pop("cache", "")}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **more, **environ},
    )


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of Grace Hopper's portrait."""
    path = tmp_path_factory.mktemp("film") / "hopper.mp4"
    picture = np.asarray(cv2.resize(read_photograph(portrait(HOPPER)), (512, 600)), np.uint8)
    write_clip(path, [picture] * 20, 10)
    return path


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A folder with one good photograph, and everything that can be wrong with others."""
    good, folder = portrait(COLLINS).read_bytes(), tmp_path / "people"
    both = np.hstack(
        [cv2.resize(read_photograph(portrait(name)), (512, 512)) for name in (COLLINS, HOPPER)]
    )
    photographs = {
        f"{COLLINS}/good.png": good,
        f"{COLLINS}/cut off.png": good[: len(good) // 2],
        f"{COLLINS}/text.jpg": b"this is no picture",
        f"{COLLINS}/empty.jpg": b"",
        f"{COLLINS}/nobody.png": cv2.imencode(".png", np.full((300, 300, 3), 90, np.uint8))[
            1
        ].tobytes(),
        f"{COLLINS}/two.png": cv2.imencode(".png", both)[1].tobytes(),
    }
    for name, data in photographs.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "loose.png").write_bytes(good)
    return folder


def statuses(lines: Sequence[str]) -> set[str]:
    frames = [json.loads(line) for line in lines[:-1]]
    assert frames
    return {face["status"] for frame in frames for face in frame["faces"]}


def test_what_is_wrong_with_a_photograph_is_said_by_its_name_and_the_next_goes_on(
    film: Path, people: Path
) -> None:
    done = faceapi("watch", film, "--gallery", people, "--json")
    assert done.returncode == 0, done.stderr
    said = {line.split(": ")[0]: line for line in done.stderr.splitlines() if ": " in line}
    for name, why in {
        "cut off.png": "broken or cut off",
        "text.jpg": "no picture",
        "empty.jpg": "no picture",
        "nobody.png": "no face",
        "two.png": "2 faces",
    }.items():
        assert why in said[f"{COLLINS}/{name}"]
    assert "no person's folder" in said["loose.png"]
    assert "gallery: 1 people, 1 photographs" in done.stderr
    assert statuses(done.stdout.splitlines()) == {"unknown"}


def test_with_an_empty_gallery_everyone_is_unknown(film: Path, tmp_path: Path) -> None:
    done = faceapi("watch", film, "--gallery", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert "everyone will be unknown" in done.stderr
    assert statuses(done.stdout.splitlines()) == {"unknown"}
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["frames"], summary["people"], summary["unknown_tracks"]) == (20, {}, 1)


def test_a_watch_leaves_nothing_behind(film: Path, tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    (tmp_path / "temporary").mkdir()
    watched = faceapi(
        "watch", film, "--gallery", tmp_path / "people", TMPDIR=str(tmp_path / "temporary")
    )
    assert watched.returncode == 0, watched.stderr
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_table_sums_up_who_was_seen(film: Path, tmp_path: Path) -> None:
    (tmp_path / HOPPER).mkdir()
    (tmp_path / HOPPER / "1.jpg").write_bytes(portrait(HOPPER).read_bytes())
    done = faceapi("watch", film, "--gallery", tmp_path)
    assert done.returncode == 0, done.stderr
    assert HOPPER in done.stdout
    assert "20 frames in" in done.stdout


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no/such/file.mp4", "no/such/file.mp4: no such file"),
        ("http://camera/stream", "begins with rtsp:// or rtsps://"),
        ("rtsp://:pass@/x", "no host"),
    ],
)
def test_a_source_that_is_none_says_what_is_allowed(people: Path, source: str, said: str) -> None:
    done = faceapi("watch", source, "--gallery", people)
    assert done.returncode == 1
    assert done.stderr.startswith("faceapi: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_video_is_refused(people: Path) -> None:
    file = people / COLLINS / "text.jpg"
    done = faceapi("watch", file, "--gallery", people)
    assert done.returncode == 1
    assert str(file) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_gallery_is_named(film: Path, tmp_path: Path) -> None:
    done = faceapi("watch", film, "--gallery", tmp_path / "nowhere")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "nowhere: no such folder" in done.stderr


def test_a_camera_that_refuses_is_tried_again_and_its_password_never_shown(people: Path) -> None:
    url = "rtsp://admin:nite-word@127.0.0.1:1/stream"
    done = faceapi("watch", url, "--gallery", people, "--json", "--max-seconds", "2")
    assert done.returncode == 0, done.stderr
    assert "rtsp://admin:***@127.0.0.1:1/stream" in done.stderr
    assert "again in" in done.stderr
    assert "nite-word" not in done.stderr + done.stdout
    assert json.loads(done.stdout)["frames"] == 0


def test_settings_that_cannot_be_used_stop_the_start(film: Path, people: Path) -> None:
    done = faceapi(
        "watch", film, "--gallery", people, "--set", "detect.maxside=1", MODEL_THRESHOLD="7"
    )
    assert done.returncode == 1
    assert "did you mean detect.max_side?" in done.stderr
    assert "MODEL_THRESHOLD" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_finds_a_fresh_machine_well(tmp_path: Path) -> None:
    done = faceapi("doctor", cache=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "builtin really runs on CPUExecutionProvider" in done.stdout


def test_the_doctor_says_on_whom_the_pack_fails_more_often(tmp_path: Path) -> None:
    warned = faceapi("doctor", cache=str(tmp_path))
    assert "children" in warned.stdout
    other = faceapi("doctor", cache=str(tmp_path), MODEL_PACK="opencv-zoo")
    assert "children" not in other.stdout


def test_the_doctor_says_how_many_shards_there_will_be_and_why() -> None:
    assert ": one for every four cores" in faceapi("doctor", ENGINE_SHARDS="auto").stdout
    assert "3: ENGINE_SHARDS" in faceapi("doctor", ENGINE_SHARDS="3").stdout


def test_a_film_is_shown_as_a_camera(film: Path) -> None:
    command = [sys.executable, "-m", "api.command.cli", "simulate", str(film), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as camera:
        assert camera.stderr is not None
        address = camera.stderr.readline().split()[-1]
        with av.open(address, options={"rtsp_transport": "tcp"}, timeout=10) as shown:
            picture = next(shown.decode(video=0))
        camera.send_signal(signal.SIGINT)
        assert camera.wait(10) == 0
    assert (picture.width, picture.height) == (512, 600)


def test_a_camera_that_cannot_listen_says_where(film: Path) -> None:
    refused = faceapi("simulate", film, "--host", "192.0.2.1", "--port", "8554")
    assert refused.returncode == 1
    assert "192.0.2.1:8554" in refused.stderr


def test_the_doctor_says_what_a_missing_device_or_server_wants() -> None:
    done = faceapi("doctor", MODEL_DEVICE="cuda:0", MILVUS_DB_HOST="127.0.0.1", MILVUS_DB_PORT="1")
    assert done.returncode == 1
    assert "MODEL_DEVICE=cpu" in done.stdout
    assert "unset MILVUS_DB_HOST" in done.stdout


def test_packs_are_listed_made_and_verified(tmp_path: Path) -> None:
    cache = str(tmp_path)
    assert "faceapi models pull builtin" in faceapi("models", "list", cache=cache).stdout
    assert faceapi("models", "verify", "builtin", cache=cache).returncode == 1
    assert "builtin is here" in faceapi("models", "pull", "builtin", cache=cache).stdout
    verified = faceapi("models", "verify", "builtin", cache=cache)
    assert (verified.returncode, verified.stdout.strip()) == (0, "builtin: every byte is right")


def test_a_pull_without_a_network_says_what_to_do(tmp_path: Path) -> None:
    done = faceapi(
        "models", "pull", "opencv-zoo", cache=str(tmp_path), MODEL_MIRROR="http://127.0.0.1:1"
    )
    assert done.returncode == 1
    assert "http://127.0.0.1:1/opencv-zoo/face_detection_yunet_2023mar.onnx" in done.stderr
    assert "MODEL_MIRROR" in done.stderr


def test_a_video_that_is_cut_off_is_summed_up_before_the_error(
    people: Path, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    write_clip(whole, pictures(), RATE)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 20])
    done = faceapi("watch", cut, "--gallery", people, "--json")
    assert done.returncode == 1
    assert f"faceapi: {cut}" in done.stderr
    assert "Traceback" not in done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["type"] == "summary"
    assert summary["frames"] == len(done.stdout.splitlines()) - 1 > 0


def test_a_pack_for_research_only_is_refused_until_its_licence_is_accepted(tmp_path: Path) -> None:
    cache, nowhere = str(tmp_path), {"MODEL_MIRROR": "http://127.0.0.1:1"}
    for words in (("models", "pull", "buffalo_l"), ("doctor",)):
        done = faceapi(*words, cache=cache, MODEL_PACK="buffalo_l", **nowhere)
        assert done.returncode == 1
        said = " ".join((done.stdout + done.stderr).replace("│", " ").split())
        assert "non-commercial research only" in said
        assert "--accept-license" in said
    listed = faceapi("models", "list", cache=cache).stdout
    assert "non-commercial" in listed
    accepted = ("models", "pull", "buffalo_l", "--accept-license")
    assert (
        "buffalo_l.zip cannot be fetched now" in faceapi(*accepted, cache=cache, **nowhere).stderr
    )
    other = {**nowhere, "MODEL_ACCEPT_LICENCE": "buffalo_l"}
    asked = faceapi("models", "pull", "buffalo_m", cache=cache, **other)
    assert "buffalo_m is under a licence that must be accepted first" in asked.stderr
    asked = faceapi("models", "pull", "buffalo_sc", cache=cache, **nowhere,
                    MODEL_ACCEPT_LICENCE="buffalo_sc")  # fmt: skip
    assert "buffalo_sc.zip cannot be fetched now" in asked.stderr


def test_the_doctor_says_why_auto_runs_on_the_cpu() -> None:
    done = faceapi("doctor", MODEL_DEVICE="auto")
    said = " ".join(done.stdout.replace("│", " ").split())
    assert "device auto" in said
    assert "really runs on CPUExecutionProvider" in said
    assert "CPUExecutionProvider (" in said, "the reason stands beside it"
