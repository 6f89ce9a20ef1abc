"""A page publishes this device's camera; another one sees who is on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.system.browser import launched, opened, sign_in
from tests.system.publishers import write_y4m
from tests.system.service import Service, passable_folder, person

pytestmark = pytest.mark.system

_CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


@pytest.fixture(scope="module")
def staffed(cache: Path, gallery: Path) -> Iterator[Service]:
    """A service in which everyone of the gallery is enrolled."""
    with passable_folder() as folder:
        environ = {"FACEAPI_CACHE_DIR": str(cache), "ENGINE_SHARDS": "1"}
        service = Service(folder, environ=environ).start()
        try:
            with service.client() as client:
                for home in sorted(gallery.iterdir()):
                    person(client, home.name, *sorted(home.iterdir())[:3])
            yield service
        finally:
            service.stop()


@pytest.fixture(scope="module")
def chromium(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera sees B, who talks and turns his head."""
    film = tmp_path_factory.mktemp("film") / "male.y4m"
    write_y4m(test_data / "clips" / "head-pose-face-detection-male.mp4", film)
    with launched(*_CAMERA, f"--use-file-for-fake-video-capture={film}") as browser:
        yield browser


def test_who_is_before_this_device_is_named_on_another_ones_page(
    staffed: Service, chromium: Browser
) -> None:
    with opened(chromium, "503") as device, opened(chromium, "503") as viewer:
        device.goto(f"{staffed.url}/#/publish")
        sign_in(device, staffed.password)
        device.get_by_test_id("publish-on").click()
        device.get_by_test_id("publish-name").fill("Tablet")
        device.get_by_test_id("publish-start").click()
        expect(device.get_by_test_id("publish-state")).to_have_text("Sending", timeout=30_000)
        expect(device.get_by_test_id("publish-sent")).to_contain_text("frames/s", timeout=30_000)

        viewer.goto(staffed.url)
        sign_in(viewer, staffed.password)
        way = viewer.get_by_test_id("way")
        expect(way).to_have_attribute("data-kind", "webrtc", timeout=60_000)
        expect(viewer.locator("[data-testid=face]").filter(has_text="B")).to_be_visible(
            timeout=60_000
        )
        assert viewer.locator("[data-testid=face][data-status=known]").count() == 1

        device.get_by_test_id("publish-stop").click()
        expect(device.get_by_test_id("publish-state")).to_have_text("Nothing is sent.")
        state = viewer.get_by_test_id("camera-state")
        expect(state).to_have_attribute("data-state", "waiting", timeout=30_000)
        expect(viewer.get_by_test_id("frozen")).to_be_visible(timeout=30_000)
        expect(viewer.locator("[data-testid=face]")).to_have_count(0)
