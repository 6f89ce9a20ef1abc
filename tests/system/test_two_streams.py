"""A camera of two streams, the real program: small faces are named, viewers see the large one."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from api.command.film import COLLINS, portrait
from ingest.virtual.clip import write_clip
from pipeline.messages import Image
from tests.system.browser import launched, opened, sign_in
from tests.system.filming import filming
from tests.system.service import Live, Service, names, person, wait_until
from tests.system.walk import BITS, BLOCK, PICTURES, READ, Sample, film, place

pytestmark = pytest.mark.system

_RATE = Fraction(25, 2)
_SHOWN = 100
_SAMPLER = """
() => {
  const overlay = document.querySelector('[data-testid=overlay]')
  const canvas = document.querySelector('[data-testid=picture]')
  window.drawn = []
  const take = () => {
    const boxes = overlay.dataset.boxesTime ?? null
    drawn.push({ boxes, width: canvas.width, painted: painted(), lefts: lefts() })
  }
  const attributeFilter = ['data-media-time']
  new MutationObserver(take).observe(overlay, { attributes: true, attributeFilter })
}
"""


def pictures(path: Path) -> Iterator[Image]:
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            yield np.asarray(picture.to_ndarray(format="bgr24"), np.uint8)


def scaled(path: Path, source: Path, by: float) -> Path:
    """The same film, its sides so many times as long."""

    def resized() -> Iterator[Image]:
        for picture in pictures(source):
            height, width = (2 * round(by * side / 2) for side in picture.shape[:2])
            way = cv2.INTER_AREA if by < 1 else cv2.INTER_LINEAR
            yield np.asarray(cv2.resize(picture, (width, height), interpolation=way), np.uint8)

    write_clip(path, resized(), _RATE)
    return path


@pytest.fixture(scope="module")
def people(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A clip of people, as a camera codes it, and the same at a fourth of its size."""
    folder = tmp_path_factory.mktemp("people")
    source = test_data / "clips" / "face-demographics-walking-and-pause.mp4"
    return {
        "high": scaled(folder / "high.mp4", source, 1),
        "low": scaled(folder / "low.mp4", source, 1 / 4),
    }


@pytest.fixture
def ann(test_data: Path, tmp_path: Path) -> Path:
    """Her photograph, who is on that clip among strangers."""
    source = test_data / "clips" / "head-pose-face-detection-female.mp4"
    path = tmp_path / "ann.png"
    cv2.imwrite(str(path), next(pictures(source)))
    return path


def of_faces(live: Live, count: int) -> Sequence[set[str]]:
    """The names in so many results that have faces."""
    found: list[set[str]] = []
    while len(found) < count:
        message = live.message()
        if message.get("faces"):
            found.append(names(message))
    return found


def role(client: httpx.Client, camera: str, which: str) -> dict[str, object]:
    told = client.get(f"/cameras/{camera}").json()["roles"]
    return next((dict(one) for one in told if one["role"] == which), {})


def test_faces_too_small_in_the_analysed_stream_are_named_by_the_detail(
    new_service: Callable[..., Service], yunet_dlib: Path, people: dict[str, Path], ann: Path
) -> None:
    service = new_service(MODEL_PACK=str(yunet_dlib)).start()
    with service.client() as client, filming(people) as camera:
        person(client, "Ann", ann)
        low, high = (camera.url(name).with_secrets for name in ("low", "high"))
        made = client.post("/cameras", json={"name": "Hall", "url": low}).json()
        hall = made["id"]
        assert made["streams"] == {"view": None, "detail": None}
        with service.live(client, [hall]) as live:
            live.until(lambda message: bool(message.get("faces")), "faces")
            assert set().union(*of_faces(live, 60)) == set()
            changed = client.patch(f"/cameras/{hall}", json={"streams": {"detail": high}})
            assert changed.json()["streams"]["detail"] == high
            live.named("Ann")
            assert set().union(*of_faces(live, 60)) == {"Ann"}
        wait_until(lambda: role(client, hall, "detail").get("state") == "live", "it is told")
        told = client.get(f"/cameras/{hall}").json()
        assert told["stream"]["connections"] == 1, "the analysed stream was connected anew"
        assert (told["stream"]["width"], told["roles"][0]["stream"]["width"]) == (240, 960)
        assert told["roles"][0]["exact"] is True


def test_viewers_see_the_large_stream_and_boxes_are_on_its_very_frames(
    new_service: Callable[..., Service],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    low = film(tmp_path / "low.mp4", _RATE)
    films = {"high": scaled(tmp_path / "high.mp4", low, 2), "low": low}
    service = new_service().start()
    with (
        service.client() as client,
        filming(films) as camera,
        launched() as chromium,
        opened(chromium, "503") as page,
    ):
        person(client, COLLINS, portrait(COLLINS))
        body = {
            "name": "Walk",
            "url": camera.url("low").with_secrets,
            "streams": {"view": camera.url("high").with_secrets},
        }
        walk = client.post("/cameras", json=body).json()["id"]
        wait_until(lambda: camera.clients == 1, "it is analysed")
        page.goto(service.url)
        sign_in(page, service.password)
        named = page.locator("[data-testid=face]").filter(has_text=COLLINS)
        expect(named).to_be_visible(timeout=60_000)
        wait_until(lambda: page.evaluate("document.querySelector('canvas').width") == 1920, "large")
        assert camera.clients == 2
        page.evaluate(READ, [BITS, 2 * BLOCK])
        page.evaluate(_SAMPLER)
        wait_until(lambda: page.evaluate("drawn.length") > _SHOWN, "pictures", 60)
        samples: list[Sample] = page.evaluate("drawn")
        assert role(client, walk, "view")["state"] == "live"
        page.get_by_test_id("nav-people").click()
        wait_until(lambda: camera.clients == 1, "it is let go", 40)
        wait_until(lambda: role(client, walk, "view")["state"] == "idle", "it is told so")
    exact = [one for one in samples if one["boxes"] not in {None, "estimated"}]
    boxed = [one for one in exact if len(one["lefts"]) == 1]
    inside = float(np.median([one["lefts"][0] - place(one["painted"]) for one in boxed]))
    off = [one["lefts"][0] - place(one["painted"]) - inside for one in boxed]
    right = sum(abs(pixels) < 5 for pixels in off)
    report = f"{len(samples)} shown, {len(exact)} exact, {right} of {len(boxed)} where the face is"
    with capsys.disabled():
        print(f"\n{report}")  # noqa: T201 - to be reported
    assert {one["width"] for one in samples} == {1920}
    assert len({one["painted"] for one in samples}) > PICTURES / 2
    assert len(boxed) > _SHOWN / 2, report
    assert right >= 0.99 * len(boxed), report
