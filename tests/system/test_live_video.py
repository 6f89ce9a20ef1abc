"""Live video by WebRTC in a real Chromium: each picture bears the boxes of that very frame."""

import json
import os
import re
import signal
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Response, WebSocket, expect

from api.command.film import COLLINS, portrait
from tests.system.browser import launched, opened, sign_in
from tests.system.gst import GstServer
from tests.system.service import Service, person, wait_until
from tests.system.walk import BITS, BLOCK, PICTURES, READ, Sample, film, where_it_belongs

pytestmark = pytest.mark.system

_PATH = os.pathsep.join([str(Path(__file__).with_name("viewing")), str(Path(__file__).parents[2])])
"""Of the service's processes: what is tested here comes before any that is installed."""
_RATE = Fraction(25, 2)
_TICKS = round(90_000 / _RATE)
"""Of media_time, between two frames."""
_SLOWNESS = 0.15
"""Seconds more for each frame: about five are analysed in a second, in a single lane."""
_SHOWN = 300
_WRAP_AFTER = 20
_MODULUS = 1 << 32

_SAMPLER = """
() => {
  const overlay = document.querySelector('[data-testid=overlay]')
  const canvas = document.querySelector('[data-testid=picture]')
  window.drawn = new Map()
  const take = () => {
    const time = Number(canvas.dataset.mediaTime)
    const boxes = overlay.dataset.boxesTime ?? null
    drawn.set(time, { time, boxes, painted: painted(), lefts: lefts() })
  }
  const attributeFilter = ['data-media-time', 'data-boxes-time']
  new MutationObserver(take).observe(overlay, { attributes: true, attributeFilter })
}
"""
"""Takes note of each picture right after it or its boxes were drawn."""


_COMES_BACK = """
async (count) => {
  const shown = []
  const take = () => {
    const { mediaTime, boxesTime } = document.querySelector('[data-testid=overlay]').dataset
    const sample = { time: Number(mediaTime), boxes: boxesTime ?? null, painted: painted() }
    if (shown.at(-1)?.time === sample.time) shown.pop()
    shown.push(sample)
  }
  const attributeFilter = ['data-media-time', 'data-boxes-time']
  const drawing = new MutationObserver(take)
  document.querySelector('[data-testid=nav-people]').click()
  await new Promise((done) => setTimeout(done, 1000))
  drawing.observe(document.body, { subtree: true, attributes: true, attributeFilter })
  document.querySelector('[data-testid=nav-live]').click()
  while (shown.length < count) await new Promise((done) => setTimeout(done, 10))
  drawing.disconnect()
  return shown
}
"""
"""The first pictures that a viewer sees who goes to another page and comes back."""
_FIRST = 25


_PLACES = """
() => {
  const canvas = document.querySelector('[data-testid=picture]')
  const overlay = document.querySelector('[data-testid=overlay]')
  const shown = canvas.getBoundingClientRect()
  const places = [...overlay.querySelectorAll('[data-testid=face] .box')].map((box) => {
    const { left, top, width, height } = box.getBoundingClientRect()
    const [middle, centre] = [left + width / 2 - shown.left, top + height / 2 - shown.top]
    const said = (name) => Number(box.getAttribute(name))
    return [
      (middle / shown.width) * canvas.width - said('x') - said('width') / 2,
      (centre / shown.height) * canvas.height - said('y') - said('height') / 2,
    ]
  })
  const { left, top, width, height } = overlay.getBoundingClientRect()
  const covers = [left - shown.left, top - shown.top, width - shown.width, height - shown.height]
  const bent = shown.width / shown.height - canvas.width / canvas.height
  return { places, covers, bent, wide: document.body.scrollWidth }
}
"""
"""How far each box lies on screen from where it belongs in the picture, in pixels of that."""
_WINDOWS = ((1280, 800), (390, 844), (844, 390), (1920, 400), (1280, 800))
"""A desktop, a phone held upright and turned, and a low window."""


@dataclass
class Viewer:
    """A page that shows a camera, and what it heard and drew."""

    page: Page
    results: list[int] = field(default_factory=list)
    """media_time of each result, as it came over the page's own websocket."""
    origins: list[int] = field(default_factory=list)
    """Of the sessions that it had."""

    def listen(self) -> None:
        self.page.on("websocket", self._hear)
        self.page.on("response", self._read)

    def begin(self) -> None:
        """Take note of what is drawn from now on."""
        self.page.evaluate("drawn.clear()")
        self.results.clear()

    def keeps_up(self) -> bool:
        """Whether the last ten results were drawn, but for some that may be on their way."""
        exact = {one["time"] for one in self.drawn() if one["boxes"] == str(one["time"])}
        last = self.results[-15:-5]
        return len(last) == 10 and exact >= set(last)

    def drawn(self) -> Sequence[Sample]:
        """The pictures, by time; without the last ones, whose results may be on their way."""
        samples = self.page.evaluate("[...drawn.values()]")
        return sorted(samples, key=lambda sample: sample["time"])[:-5]

    def _hear(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._note)

    def _note(self, data: str | bytes) -> None:
        message = json.loads(data)
        if message["type"] == "frame":
            self.results.append(message["media_time"])

    def _read(self, response: Response) -> None:
        if "/whep/" in response.url and response.request.method == "GET" and response.ok:
            origin = response.json()["rtp_origin"]
            if origin is not None:
                self.origins.append(origin)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def viewer(chromium: Browser) -> Iterator[Viewer]:
    with opened(chromium, "503") as page:
        viewer = Viewer(page)
        viewer.listen()
        yield viewer


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "walk.mp4", _RATE)


@pytest.fixture
def slow_service(new_service: Callable[..., Service]) -> Service:
    """It analyses fewer frames than the camera sends; RTP timestamps wrap soon."""
    return new_service(
        INFERENCE_LANES="1",
        INFERENCE_WINDOW="1",
        SECONDS_A_FRAME=str(_SLOWNESS),
        RTP_WRAPS_AFTER=str(_WRAP_AFTER),
        PYTHONPATH=_PATH,
    ).start()


def watch(viewer: Viewer, service: Service, client: httpx.Client, url: str) -> str:
    """Add a camera of the walk, and have it shown with a name on it."""
    person(client, COLLINS, portrait(COLLINS))
    made = client.post("/cameras", json={"name": "Walk", "url": url})
    assert made.status_code == 201, made.text
    page = viewer.page
    page.goto(service.url)
    sign_in(page, service.password)
    expect(page.get_by_test_id("way")).to_have_attribute("data-kind", "webrtc", timeout=60_000)
    named = page.locator("[data-testid=face]").filter(has_text=COLLINS)
    expect(named).to_be_visible(timeout=60_000)
    page.evaluate(READ, [BITS, BLOCK])
    page.evaluate(_SAMPLER)
    return str(made.json()["id"])


def assert_exact(viewer: Viewer, capsys: pytest.CaptureFixture[str], when: str) -> Sequence[Sample]:
    """Over so many shown frames, each box is on the frame that it was computed from."""
    wait_until(viewer.keeps_up, "it holds the video back for long enough", 60)
    viewer.begin()
    wait_until(lambda: viewer.page.evaluate("drawn.size") >= _SHOWN + 5, "pictures", 120)
    samples, results = viewer.drawn(), set(viewer.results)
    assert len(samples) >= _SHOWN
    first, last = samples[0]["time"], samples[-1]["time"]
    analysed = {time for time in results if first <= time <= last}
    exact = [one for one in samples if one["boxes"] == str(one["time"])]
    boxed = [one for one in exact if len(one["lefts"]) == 1]
    right = where_it_belongs(boxed)
    between = [one for one in samples if one["boxes"] == "estimated" and len(one["lefts"]) == 1]
    delay = viewer.page.get_by_test_id("delay").inner_text()
    report = f"""{when}: {len(samples)} frames shown, {len(analysed)} analysed,
  {len(exact)} drawn with their own boxes, {len(right)} of {len(boxed)} where the face is,
  {len(between)} with estimated boxes, {len(where_it_belongs(between))} of them within half a step,
  delay {delay}"""
    with capsys.disabled():
        print(f"\n{report}")  # noqa: T201 - the delay is to be reported
    assert 3 * (last - first) / 90_000 < len(analysed) < 8 * (last - first) / 90_000, report
    assert len(exact) == sum(one["boxes"] not in {None, "estimated"} for one in samples)
    assert len(analysed & {one["time"] for one in exact}) >= 0.95 * len(analysed), report
    assert len(boxed) >= 0.95 * len(exact), report
    assert len(right) >= 0.99 * len(boxed), report
    assert {one["painted"] for one in samples} == set(range(PICTURES))
    return samples


def assert_in_place(page: Page) -> None:
    """However large the window is, and however it is turned, boxes lie on their faces."""
    face = page.get_by_test_id("face")
    for width, height in _WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        expect(face).to_have_count(1)
        wait_until(lambda: len(page.evaluate(_PLACES)["places"]) == 1, "a box is drawn")
        seen = page.evaluate(_PLACES)
        assert max(map(abs, seen["covers"])) < 1, (width, height, seen)
        assert abs(seen["bent"]) < 0.02, (width, height, seen)
        assert seen["wide"] <= width, (width, height, seen)
        for place in seen["places"]:
            assert max(map(abs, place)) < 2, (width, height, seen)


def assert_in_step(samples: Sequence[Sample]) -> None:
    """Times on the canvas go with the numbers painted into the pictures."""
    lead = statistics.mode(ahead(sample) for sample in samples)
    assert sum(ahead(sample) == lead for sample in samples) >= 0.99 * len(samples)


def assert_boxed_from_the_first_on(page: Page) -> None:
    """Also on pictures that are caught up with, which are sent as of other times than their own."""
    samples = page.evaluate(_COMES_BACK, _FIRST)
    timed = [sample for sample in samples if sample["time"]]
    exact = [sample for sample in timed if sample["boxes"] == str(sample["time"])]
    boxed = [sample for sample in timed if sample["boxes"] is not None]
    assert len(timed) >= _FIRST - 2, samples
    assert_in_step(timed)
    assert len(boxed) >= 0.8 * _FIRST, samples
    assert samples.index(exact[0]) <= _FIRST // 5, samples


def ahead(sample: Sample) -> int:
    return (round(int(sample["time"]) / _TICKS) - int(sample["painted"])) % PICTURES


def test_boxes_are_those_of_the_very_frame_also_after_a_wrap_and_a_reconnect(
    slow_service: Service,
    viewer: Viewer,
    gst_server: Callable[..., GstServer],
    walk: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = gst_server(walk)
    with slow_service.client() as client:
        watch(viewer, slow_service, client, server.url.with_secrets)
    page = viewer.page
    expect(page.get_by_test_id("way")).to_contain_text("the camera's own H.264")

    samples = assert_exact(viewer, capsys, "while the RTP timestamp wraps")
    assert_in_step(samples)
    (origin,) = set(viewer.origins)
    stamps = [(origin + int(one["time"])) % _MODULUS for one in samples]
    assert stamps != sorted(stamps), "the timestamps did not wrap"

    server.kill()
    expect(page.get_by_test_id("frozen")).to_be_visible(timeout=30_000)
    expect(page.locator("[data-testid=face]")).to_have_count(0)
    server.start()
    expect(page.get_by_test_id("frozen")).to_be_hidden(timeout=60_000)
    assert_in_step(assert_exact(viewer, capsys, "after the camera's reconnect"))
    assert re.fullmatch(r"\+\d+ ms", page.get_by_test_id("delay").inner_text())
    assert_boxed_from_the_first_on(page)


def test_boxes_are_exact_too_where_the_browser_cannot_hold_video_back_itself(
    slow_service: Service,
    viewer: Viewer,
    gst_server: Callable[..., GstServer],
    walk: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    viewer.page.add_init_script("delete RTCRtpReceiver.prototype.jitterBufferTarget")
    with slow_service.client() as client:
        watch(viewer, slow_service, client, gst_server(walk).url.with_secrets)
    assert_in_step(assert_exact(viewer, capsys, "by the page's own queue"))
    assert_in_place(viewer.page)


def test_who_finds_no_place_gets_pictures_and_video_goes_on_when_playback_has_died(
    chromium: Browser,
    new_service: Callable[..., Service],
    gst_server: Callable[..., GstServer],
    walk: Path,
) -> None:
    service = new_service(WEBRTC_MOST_VIEWERS="1").start()
    with service.client() as client, opened(chromium, "503", "404") as first:
        watch(Viewer(first), service, client, gst_server(walk).url.with_secrets)
        with opened(chromium, "503") as second:
            second.goto(service.url)
            sign_in(second, service.password)
            way = second.get_by_test_id("way")
            expect(way).to_contain_text("Pictures (JPEG): ", timeout=30_000)
            expect(way).to_contain_text("WEBRTC_MOST_VIEWERS")
            expect(second.get_by_test_id("picture")).to_have_attribute("data-seq", re.compile(r"."))
            first.get_by_test_id("nav-people").click()
            expect(way).to_have_attribute("data-kind", "webrtc", timeout=60_000)
        first.get_by_test_id("nav-live").click()
        expect(first.get_by_test_id("way")).to_have_attribute("data-kind", "webrtc", timeout=60_000)
        before = media_time(first)
        os.kill(playback_of(service), signal.SIGKILL)
        expect(first.get_by_test_id("frozen")).to_be_visible(timeout=30_000)
        expect(first.get_by_test_id("frozen")).to_be_hidden(timeout=30_000)
        wait_until(lambda: media_time(first) > before + 10 * 90_000, "video goes on", 60)


def media_time(page: Page) -> int:
    """Of the picture that is shown; 0 where it is none of video."""
    picture = page.get_by_test_id("picture")
    return int(picture.get_attribute("data-media-time") or 0)


def playback_of(service: Service) -> int:
    """The id of its process."""
    children = Path(f"/proc/{service.process.pid}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    (found,) = [pid for pid in pids if b"api.playback" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return found
