"""The page in a real Chromium: who signs in sees names on live video, and gives names."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from api.command.film import COLLINS, HOPPER, portrait
from ingest.virtual.clip import write_clip
from pipeline.messages import Image
from pipeline.photographs import read_photograph
from tests.system.gst import GstServer
from tests.system.service import Service, person, wait_until

pytestmark = pytest.mark.system

_CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
_PAGE = Path(__file__).parents[2] / "dashboards" / "web" / "dist"
_STEPS, _STEP = 20, 30
"""The face walks so many steps to the right and back, so many pixels each: far in one frame."""
_BITS, _BLOCK = 6, 32
"""The number painted into each picture: white squares of so many pixels, the lowest bit first."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Callable[[], Page]]:
    """Opens pages; what a page logs as an error fails the test that opened it."""
    if not _CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    if not _PAGE.is_dir():
        pytest.skip("the page is not built: make web")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS.split())

        def open_page() -> Page:
            return browser.new_page(viewport={"width": 1280, "height": 800})

        yield open_page
        browser.close()


@pytest.fixture
def page(chromium: Callable[[], Page]) -> Iterator[Page]:
    opened, complaints = chromium(), list[str]()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type == "error" else None
    )
    yield opened
    opened.close()
    assert [text for text in complaints if "401" not in text] == []


def sign_in(page: Page, password: str) -> None:
    page.get_by_test_id("user").fill("admin")
    page.get_by_test_id("password").fill(password)
    page.get_by_test_id("sign-in-button").click()


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


def number_painted(picture: Image, number: int) -> Image:
    """``picture`` with a number in its upper left corner."""
    done = picture.copy()
    for bit in range(_BITS):
        colour = 255 if number >> bit & 1 else 0
        done[:_BLOCK, bit * _BLOCK : (bit + 1) * _BLOCK] = colour
    return done


def place(number: int) -> int:
    """The portrait's left edge in a picture of the film."""
    step = number % (2 * _STEPS)
    return _STEP * min(step, 2 * _STEPS - step)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that walks to and fro, the number of each picture painted into it."""
    portrait_ = np.asarray(cv2.resize(read_photograph(portrait(COLLINS)), (340, 340)), np.uint8)
    wall = np.full((400, 960, 3), 120, np.uint8)

    def pictures() -> Iterator[Image]:
        for number in range(2 * _STEPS):
            picture = wall.copy()
            picture[60:400, place(number) : place(number) + 340] = portrait_
            yield number_painted(picture, number)

    path = tmp_path_factory.mktemp("film") / "walk.mp4"
    write_clip(path, pictures(), 8)
    return path


_SAMPLER = """
([bits, block]) => {
  const overlay = document.querySelector('[data-testid=overlay]')
  const canvas = document.querySelector('[data-testid=picture]')
  const samples = (window.samples = [])
  const take = () => {
    const pixels = canvas.getContext('2d')
    let number = 0
    for (let bit = 0; bit < bits; bit++) {
      const middle = pixels.getImageData((bit + 0.5) * block, block / 2, 1, 1).data
      if (middle[1] > 127) number |= 1 << bit
    }
    const boxes = [...overlay.querySelectorAll('[data-testid=face] .box')]
    samples.push({
      painted: number,
      picture: canvas.dataset.seq,
      boxes: overlay.dataset.boxes ?? null,
      lefts: boxes.map((box) => Number(box.getAttribute('x'))),
    })
  }
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
    """By the numbers of both, and by the place of the face: one frame on, it is 30 pixels away."""
    person(client, COLLINS, portrait(COLLINS))
    body = {"name": "Walk", "url": gst_server(walk).url.with_secrets}
    assert client.post("/cameras", json=body).status_code == 201
    page.goto(service.url)
    sign_in(page, service.password)
    named = page.locator("[data-testid=face]").filter(has_text=COLLINS)
    expect(named).to_be_visible(timeout=60_000)
    page.evaluate(_SAMPLER, [_BITS, _BLOCK])
    wait_until(lambda: page.evaluate("window.samples.length") >= 120, "120 pictures", 120)
    samples = page.evaluate("window.samples")
    with_boxes = [sample for sample in samples if sample["boxes"] is not None]
    assert len(with_boxes) >= 0.95 * len(samples)
    assert len({sample["painted"] for sample in samples}) == 2 * _STEPS
    same = [sample for sample in with_boxes if sample["boxes"] == sample["picture"]]
    assert len(same) >= 0.99 * len(with_boxes)
    seen = [sample for sample in with_boxes if len(sample["lefts"]) == 1]
    assert len(seen) >= 0.95 * len(with_boxes)
    assert len(where_it_belongs(seen)) >= 0.99 * len(seen)


def where_it_belongs(samples: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The samples whose box lies where the face is in the frame of the painted number."""
    inside = float(np.median([one["lefts"][0] - place(one["painted"]) for one in samples]))
    return [
        one for one in samples if abs(one["lefts"][0] - place(one["painted"]) - inside) < _STEP / 2
    ]
