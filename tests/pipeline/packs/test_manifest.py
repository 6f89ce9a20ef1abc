import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline.errors import Misconfigured
from pipeline.packs.manifest import Local, load_manifest, shipped_packs

SHIPPED = Path(__file__).parents[3] / "configs" / "packs"


def written(folder: Path, **changes: Any) -> str:  # noqa: ANN401 - whatever YAML holds
    file = folder / "own.yaml"
    file.write_text(
        yaml.safe_dump(yaml.safe_load((SHIPPED / "opencv-zoo.yaml").read_text()) | changes)
    )
    return str(file)


def test_an_unknown_pack_is_named_beside_those_that_there_are() -> None:
    with pytest.raises(Misconfigured, match=r"'buffalo'.*antelopev2, .*, opencv-zoo"):
        load_manifest("buffalo")
    assert shipped_packs() == (
        "antelopev2",
        "buffalo_l",
        "buffalo_m",
        "buffalo_sc",
        "builtin",
        "opencv-zoo",
    )


INSIGHTFACE = ("antelopev2", "buffalo_l", "buffalo_m", "buffalo_sc")


def test_the_insightface_packs_are_those_that_were_published(test_data: Path) -> None:
    published = json.loads((test_data / "models" / "packs.json").read_text())
    for name in INSIGHTFACE:
        pack, facts = load_manifest(name), published[name]
        assert pack.archive is not None
        assert (pack.archive.url, pack.archive.sha256) == (facts["url"], facts["archive_sha256"])
        for role, network in pack.archived.items():
            assert (network.member, network.sha256) == (facts[role]["file"], facts[role]["sha256"])
        assert set(pack.archived) == {"detector", "embedder"}
        assert pack.embedder.dimension == facts["embedder"]["dim"]
        assert pack.embedder.alignment.points == pytest.approx(
            np.array(published["arcface-template-112"])
        )


def test_the_insightface_packs_must_be_accepted_and_say_why() -> None:
    for name in INSIGHTFACE:
        licence = load_manifest(name).licence
        assert licence.must_be_accepted
        assert "non-commercial research only" in licence.terms


def test_a_file_of_ones_own_is_found_beside_its_manifest(tmp_path: Path) -> None:
    local = {"detector": {"path": "d.onnx"}, "embedder": {"path": "/models/e.onnx"}}
    networks = load_manifest(written(tmp_path, networks=local)).networks
    assert networks["detector"] == Local(path=tmp_path / "d.onnx")
    assert networks["embedder"] == Local(path=Path("/models/e.onnx"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"threshold": 2}, "threshold"),
        ({"metric": "euclid"}, "metric"),
        ({"colour": "rgb"}, "colour"),
        ({"id": "../../etc"}, "id"),
        ({"networks": {"embedder": {"path": "e.onnx"}}}, "has the networks"),
        ({"detector": {"kind": "magic"}}, "magic"),
        (
            {
                "networks": {
                    role: {"member": "x.onnx", "sha256": "0" * 64}
                    for role in ("detector", "embedder")
                }
            },
            "out of an archive",
        ),
    ],
)
def test_a_manifest_that_makes_no_sense_says_where(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(Misconfigured, match=said):
        load_manifest(written(tmp_path, **changes))


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"\xff\xfe: [")
    with pytest.raises(Misconfigured, match="no manifest"):
        load_manifest(str(tmp_path / "bad.yaml"))
