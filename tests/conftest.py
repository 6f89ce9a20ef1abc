"""What every test may ask for."""

import os
from pathlib import Path

import pytest


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
