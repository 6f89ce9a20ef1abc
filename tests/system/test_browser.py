"""The page in a real Chromium: who signs in sees names on live video, and gives names."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from api.command.film import COLLINS, HOPPER, portrait
from tests.system.browser import launched, opened, sign_in
from tests.system.gst import GstServer
from tests.system.service import Service, person, wait_until
from tests.system.walk import BITS, BLOCK, PICTURES, READ, film, where_it_belongs

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with opened(chromium, "401", "503") as page:
        yield page


def test_the_visitor_of_the_demo_gives_the_other_person_her_name(
    new_service: Callable[..., Service], page: Page
) -> None:
    demo = new_service("demo").start()
    page.goto(demo.url)
    sign_in(page, "wrong")
    expect(page.get_by_test_id("problem")).to_contain_text("another password")
    sign_in(page, demo.password)
    faces = page.locator("[data-testid=face]")
    expect(faces.filter(has_text=COLLINS)).to_be_visible(timeout=60_000)
    stranger = page.locator("[data-testid=face-button][data-status=unknown]")
    stranger.first.click(timeout=60_000)
    page.get_by_test_id("person-name").fill(HOPPER)
    page.get_by_test_id("enroll-button").click()
    expect(page.get_by_test_id("enrolled")).to_contain_text(HOPPER, timeout=60_000)
    page.get_by_test_id("enroll-close").click()
    expect(faces.filter(has_text=HOPPER)).to_be_visible(timeout=60_000)
    page.get_by_test_id("nav-people").click()
    listed = page.get_by_test_id("person")
    expect(listed).to_have_count(2)
    expect(listed.filter(has_text=HOPPER)).to_be_visible()


def test_a_shard_that_died_is_shown_as_begun_again_and_so_is_its_camera(
    new_service: Callable[..., Service], page: Page
) -> None:
    demo = new_service("demo", ENGINE_SHARDS="1").start()
    page.goto(demo.url)
    sign_in(page, demo.password)
    page.get_by_test_id("nav-cameras").click()
    shard, watched_by = page.get_by_test_id("shard"), page.get_by_test_id("camera-shard")
    expect(shard).to_contain_text("frames/s", timeout=60_000)
    expect(watched_by).to_have_text("shard 1")
    with demo.client() as client:
        (running,) = client.get("/shards").json()["items"]
        os.kill(running["pid"], signal.SIGKILL)
    expect(shard).to_contain_text("begun again 1 time", timeout=60_000)
    expect(watched_by).to_have_text("shard 1: begun again 1 time", timeout=60_000)
    expect(shard).to_have_attribute("data-state", "running", timeout=60_000)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "walk.mp4", 8)


_SAMPLER = """
() => {
  const overlay = document.querySelector('[data-testid=overlay]')
  const canvas = document.querySelector('[data-testid=picture]')
  const take = () =>
    samples.push({
      painted: painted(),
      picture: canvas.dataset.seq,
      boxes: overlay.dataset.boxes ?? null,
      lefts: lefts(),
    })
  new MutationObserver(take).observe(overlay, { attributes: true, attributeFilter: ['data-seq'] })
}
"""
"""Takes note of each picture right after it was drawn: its painted number, and its boxes."""


def test_the_boxes_on_a_picture_are_those_of_that_very_frame(
    page: Page,
    service: Service,
    client: httpx.Client,
    gst_server: Callable[..., GstServer],
    walk: Path,
) -> None:
    """By the numbers of both, and by the place of the face: one frame on, it is 10 pixels away.

    These are the pictures (JPEG) of a browser without WebRTC.
    """
    page.add_init_script("delete window.RTCPeerConnection")
    person(client, COLLINS, portrait(COLLINS))
    body = {"name": "Walk", "url": gst_server(walk).url.with_secrets}
    assert client.post("/cameras", json=body).status_code == 201
    page.goto(service.url)
    sign_in(page, service.password)
    named = page.locator("[data-testid=face]").filter(has_text=COLLINS)
    expect(named).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("way")).to_have_text("Pictures (JPEG): this browser has no WebRTC")
    page.evaluate(READ, [BITS, BLOCK])
    page.evaluate(_SAMPLER)
    wait_until(lambda: page.evaluate("window.samples.length") >= 120, "120 pictures", 120)
    samples = page.evaluate("window.samples")
    with_boxes = [sample for sample in samples if sample["boxes"] is not None]
    assert len(with_boxes) >= 0.95 * len(samples)
    assert len({sample["painted"] for sample in samples}) == PICTURES
    same = [sample for sample in with_boxes if sample["boxes"] == sample["picture"]]
    assert len(same) >= 0.99 * len(with_boxes)
    seen = [sample for sample in with_boxes if len(sample["lefts"]) == 1]
    assert len(seen) >= 0.95 * len(with_boxes)
    assert len(where_it_belongs(seen)) >= 0.99 * len(seen)
