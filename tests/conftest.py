"""What every test may ask for."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import settings

settings.register_profile("patient", deadline=None)  # machines that build are shared and slow
settings.load_profile("patient")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of clips, photographs and models that the repository does not hold."""
    folder = os.environ.get("FACEAPI_TEST_DATA")
    if not folder:
        pytest.skip("FACEAPI_TEST_DATA is unset: no clips, photographs and models to test with")
    return Path(folder).resolve()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]  # noqa: ANN201, ARG001 - pluggy's own generator type
    """On CI a skip is a failure: what is not run is not shown."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped on CI: {report.longrepr}"


@pytest.fixture(scope="session")
def yunet_dlib(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest that joins YuNet, of any frame size, with the builtin pack's embedder."""
    shipped = Path(__file__).parents[1] / "configs" / "packs"
    builtin = yaml.safe_load((shipped / "builtin.yaml").read_text())
    zoo = yaml.safe_load((shipped / "opencv-zoo.yaml").read_text())
    detector = {"path": str(test_data / "models" / "yunet_s_dynamic.onnx")}
    networks = {"detector": detector, "embedder": builtin["networks"]["embedder"]}
    joined = builtin | {"id": "yunet-dlib", "networks": networks, "detector": zoo["detector"]}
    manifest = tmp_path_factory.mktemp("pack") / "yunet-dlib.yaml"
    manifest.write_text(yaml.safe_dump(joined))
    return manifest
